"""`POST /v1/responses`: answered by Claude Code, or relayed."""

from dataclasses import dataclass
from typing import ClassVar

import falcon.asgi

from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.resources.dialect_requests import DialectRequests, decision_of
from modegate.entrypoints.http.resources.relayed import Relayed


@dataclass(frozen=True, slots=True)
class Responses:
    """The endpoint for responses; the headers select the mode."""

    # Read by the check for WebSockets.
    is_relayed: ClassVar[bool] = True

    requests: DialectRequests
    relayed: Relayed

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with a response."""
        decision = decision_of(req)
        if decision.mode is Mode.CLAUDE_CODE:
            await self.requests.respond(req, resp, decision)
        else:
            await self.relayed.serve(req, resp)
