"""`GET /metrics`, for Prometheus."""

import hmac
from collections.abc import Callable
from typing import ClassVar, Protocol

import falcon.asgi

from modegate.application.ports.session_store import SessionStore
from modegate.domain.access.api_key import ApiKey, bearer_key
from modegate.domain.errors import InvalidKeyError, MissingKeyError, StorageError
from modegate.lazy_dataclass import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsExposition(Protocol):
    """Renders metrics in Prometheus' text format."""

    def render(self) -> str:
        """Returns all metrics; never blocks."""
        ...


SEND_TOKEN = "Send METRICS_TOKEN as Authorization: Bearer TOKEN."  # noqa: S105 - a message


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The metrics as text; if there is a `token`, clients must send it."""

    available_while_draining: ClassVar[bool] = True

    metrics: MetricsExposition
    sessions: SessionStore
    token: Callable[[], str | None] = lambda: None

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all metrics and the number of sessions."""
        self._check_token(req.get_header("Authorization"))
        page = self.metrics.render()
        resp.content_type = CONTENT_TYPE
        resp.text = page + await self._sessions()

    async def _sessions(self) -> str:
        """Returns the session gauge; empty if the store fails, so that the other metrics remain."""
        try:
            known = await self.sessions.count()
        except StorageError:
            return ""
        return (
            "# HELP modegate_sessions Sessions that are remembered.\n"
            f"# TYPE modegate_sessions gauge\nmodegate_sessions {known}\n"
        )

    def _check_token(self, authorization: str | None) -> None:
        token = self.token()
        if token is None:
            return
        key = bearer_key(authorization)
        if key is None:
            raise MissingKeyError(SEND_TOKEN)
        if not hmac.compare_digest(key.digest, ApiKey(token).digest):
            raise InvalidKeyError(SEND_TOKEN, label=str(key))
