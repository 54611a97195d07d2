"""`GET /health` and `GET /live`."""

from collections.abc import Callable
from dataclasses import dataclass

import falcon.asgi

from modegate.application.check_health import CheckHealth
from modegate.domain.health import Health as State
from modegate.entrypoints.http.wire import encode


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a request would have a chance; `offline` tells that every model is simulated."""

    check: CheckHealth
    is_draining: Callable[[], bool]
    version: str
    offline: bool = False

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """200 where at least one backend can work, else 503."""
        state = self.check()
        status = "ready" if state.ready else "unavailable"
        if self.is_draining():
            status = "draining"
        resp.status = 200 if status == "ready" else 503
        resp.data = encode(self._describe(state, status))

    def _describe(self, state: State, status: str) -> dict[str, object]:
        capacity = state.claude.capacity
        described: dict[str, object] = {
            "status": status,
            "version": self.version,
            "checks": {
                "claude_cli": "ok" if state.claude.executable else "error",
                "anthropic_key": state.claude.credentials,
                "openai_passthrough": state.passthrough,
                "capacity": {
                    "active": capacity.active,
                    "queued": capacity.queued,
                    "warm": capacity.warm,
                    "live": capacity.live,
                    "max": capacity.maximum,
                },
            },
        }
        return described | {"simulated": True} if self.offline else described


class Live:
    """Whether the process runs."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:  # noqa: ARG002
        """Always 200."""
        resp.data = b'{"status":"live"}'
