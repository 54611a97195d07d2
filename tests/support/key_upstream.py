"""An upstream on loopback that answers by credential, and its configuration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.selection import Strategy
from modegate.domain.quota import Limit
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.configuration_source import FakeConfigurationSource

JSON = {"content-type": "application/json"}
ANSWER = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
MODELS = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
ERROR = b'{"error":{"message":"from the upstream"}}'
MANY = Limit("address", 1_000_000, 60.0)


@dataclass
class KeyUpstream:
    """Answers each key with the status in `statuses`, 200 without one, once `gate` is open."""

    url: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answers one request."""
        key = request.headers["authorization"].removeprefix("Bearer sk-")
        wants_models = request.path.endswith("/models")
        self.asked.append(("models" if wants_models else "chat", key))
        await self.gate.wait()
        status = self.statuses.get(key, 200)
        body = (MODELS if wants_models else ANSWER) if status == 200 else ERROR
        await reply.whole(status, body, JSON | (self.headers if body is ERROR else {}))

    def keys(self, kind: str = "chat") -> list[str]:
        """Returns the keys of the requests of a kind, in their order."""
        return [key for asked, key in self.asked if asked == kind]


@asynccontextmanager
async def key_upstream() -> AsyncIterator[KeyUpstream]:
    """Runs the upstream."""
    upstream = KeyUpstream()
    upstream.gate.set()
    async with LoopbackServer(upstream.answer).running() as url:
        upstream.url = f"{url}/v1"
        yield upstream


def configured(
    upstream: KeyUpstream,
    *ids: str,
    strategy: Strategy = Strategy.FILL_FIRST,
    expires: dict[str, float] | None = None,
) -> FakeConfigurationSource:
    """Returns a configuration with the upstream `test`, and credentials named by their key."""
    credentials = tuple(
        Credential(it, ApiKey(f"sk-{it}"), expires_at=(expires or {}).get(it)) for it in ids
    )
    known = Upstream(name="test", base_url=upstream.url, credentials=credentials, strategy=strategy)
    return FakeConfigurationSource(routes=Routes(upstreams=(known,)), per_address=MANY)
