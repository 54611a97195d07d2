"""`POST /v1/responses` and responses that are kept: by the gateway, or relayed."""

from typing import ClassVar

import falcon
import falcon.asgi

from modegate.application.answering.kept_responses import KeptResponses
from modegate.dialects.json import encode
from modegate.dialects.registry import DIALECTS
from modegate.dialects.responses.response import ID_PREFIX
from modegate.domain.access.client import Client
from modegate.domain.dialect_name import DialectName
from modegate.domain.kept_response import KeptResponse
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.messages.mode_headers import decision_of
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.dialect_requests import DialectRequests
from modegate.entrypoints.http.resources.relayed import Relayed
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Responses:
    """The endpoint for responses, in the mode of each request."""

    # Read by the check for WebSockets.
    is_relayed: ClassVar[bool] = True

    requests: DialectRequests
    relayed: Relayed

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with a response."""
        decision, begun = decision_of(req), None
        if decision.by_default:  # the model's name or the key may decide
            begun = await self.requests.begin(req, decision)
            decision = begun.decision
        if decision.mode is Mode.CLAUDE_CODE:
            await self.requests.respond(req, resp, decision, begun)
        else:
            await self.relayed.serve(req, resp, begun)


@dataclass(frozen=True, slots=True)
class OneResponse:
    """One response: kept by the gateway, by the beginning of its id, or by the upstream."""

    is_relayed: ClassVar[bool] = True

    kept: KeptResponses
    authenticator: Authenticator
    relayed: Relayed

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, response_id: str
    ) -> None:
        """Returns a response."""
        if not response_id.startswith(ID_PREFIX):
            await self.relayed.serve(req, resp)
            return
        _, found = await self._own(req, response_id)
        resp.content_type = falcon.MEDIA_JSON
        resp.data = DIALECTS[DialectName.RESPONSES].complete(found.frame, found.completion)

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, response_id: str
    ) -> None:
        """Deletes a response."""
        if not response_id.startswith(ID_PREFIX):
            await self.relayed.serve(req, resp)
            return
        client, _ = await self._own(req, response_id)
        await self.kept.remove(response_id, client.id)
        resp.content_type = falcon.MEDIA_JSON
        resp.data = encode({"id": response_id, "object": "response.deleted", "deleted": True})

    async def _own(self, req: falcon.asgi.Request, response_id: str) -> tuple[Client, KeptResponse]:
        """Returns the client and its response, whose mode is that of the request."""
        record = record_of(req)
        record.mode = Mode.CLAUDE_CODE
        client = await self.authenticator.admit(req)
        found = await self.kept.find(response_id, client.id)
        record.mode = found.mode
        return client, found
