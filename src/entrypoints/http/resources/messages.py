"""`POST /v1/messages` and `POST /v1/messages/count_tokens`: Anthropic's Messages API."""

import falcon
import falcon.asgi

from modegate.application.answering.count_tokens import CountTokens
from modegate.dialects.json import encode
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.messages.mode_headers import decision_of
from modegate.entrypoints.http.resources.dialect_requests import DialectRequests
from modegate.entrypoints.http.resources.relayed import Relayed
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Messages:
    """The endpoint for messages, in the mode of each request."""

    requests: DialectRequests
    relayed: Relayed

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with a message; an upstream that speaks the dialect gets the client's bytes."""
        decision, begun = decision_of(req), None
        if decision.mode is Mode.PASSTHROUGH:
            begun = await self.requests.begin(req, decision)
            decision = begun.decision
            if await self.requests.is_relayed(req, begun):
                await self.relayed.serve(req, resp, begun)
                return
        await self.requests.respond(req, resp, decision, begun)


@dataclass(frozen=True, slots=True)
class MessageTokens:
    """The endpoint that counts the tokens of a request for a message."""

    requests: DialectRequests
    count: CountTokens
    relayed: Relayed

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with an estimate, or with the count of an upstream that has this endpoint."""
        decision, begun = decision_of(req), None
        if decision.mode is Mode.PASSTHROUGH:
            begun = await self.requests.begin(req, decision)
            decision = begun.decision
            if await self.requests.is_relayed(req, begun):
                await self.relayed.serve(req, resp, begun)
                return
        tokens = await self.count.execute(self.requests.inbound(req, decision, begun))
        resp.content_type = falcon.MEDIA_JSON
        resp.data = encode({"input_tokens": tokens})
        resp.set_header("X-Usage-Estimated", "true")
