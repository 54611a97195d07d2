"""`GET /health` and `GET /live`."""

from collections.abc import Callable
from typing import ClassVar

import falcon.asgi

from modegate.application.check_health import CheckHealth
from modegate.dialects.json import encode
from modegate.domain.health import Health as State
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.http.messages.quota_windows import describe_windows
from modegate.entrypoints.http.resources.storage_watch import StorageWatch
from modegate.lazy_dataclass import dataclass

LIVE = {"status": "live"}


@dataclass(frozen=True, slots=True)
class Health:
    """Reports whether a backend can work; `offline` means that all models are simulated."""

    available_while_draining: ClassVar[bool] = True

    check: CheckHealth
    is_draining: Callable[[], bool]
    version: str
    storage: StorageWatch
    offline: bool = False

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Responds with 200 if at least one backend can work, else with 503."""
        state = await self.storage.refreshed(self.check)
        status = "ready" if state.ready else "unavailable"
        if self.is_draining():
            status = "draining"
        resp.status = 200 if status == "ready" else 503
        simulated = {"simulated": True} if self.offline else {}
        resp.data = encode(describe(state, status, self.version) | simulated)


def describe(state: State, status: str, version: str) -> dict[str, object]:
    """Returns the health state as a JSON object."""
    claude = state.answering[CLAUDE]
    capacity = claude.capacity
    store: dict[str, object] = {}
    if state.store is not None:
        store = {"store": state.store.state, "gateways": state.store.gateways}
    if state.transcripts is not None:
        store["transcripts"] = state.transcripts
    windows = {} if claude.windows is None else {"claude_windows": describe_windows(claude.windows)}
    return {
        "status": status,
        "version": version,
        "checks": {
            "claude_cli": "ok" if claude.executable else "error",
            "anthropic_key": claude.credentials,
            "openai_passthrough": state.passthrough,
            "storage": state.storage,
            "credentials": state.credentials,
            "ledger": state.ledger,
            **store,
            "capacity": {
                "active": capacity.active,
                "queued": capacity.queued,
                "warm": capacity.warm,
                "live": capacity.live,
                "parked": capacity.parked,
                "max": capacity.maximum,
            },
            **windows,
        },
    }


class Live:
    """Reports that the process runs."""

    available_while_draining: ClassVar[bool] = True

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Responds with 200."""
        resp.data = encode(LIVE)
