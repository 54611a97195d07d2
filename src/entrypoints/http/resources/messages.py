"""`POST /v1/messages` and `POST /v1/messages/count_tokens`: Anthropic's Messages API."""

from dataclasses import dataclass

import falcon
import falcon.asgi

from modegate.application.answering.count_tokens import CountTokens
from modegate.dialects.json import encode
from modegate.entrypoints.http.messages.mode_headers import decision_of
from modegate.entrypoints.http.resources.dialect_requests import DialectRequests


@dataclass(frozen=True, slots=True)
class Messages:
    """The endpoint for messages; the headers select the mode."""

    requests: DialectRequests

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with a message."""
        await self.requests.respond(req, resp, decision_of(req))


@dataclass(frozen=True, slots=True)
class MessageTokens:
    """The endpoint that counts the tokens of a request for a message."""

    requests: DialectRequests
    count: CountTokens

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers with an estimate."""
        tokens = await self.count.execute(self.requests.inbound(req, decision_of(req)))
        resp.content_type = falcon.MEDIA_JSON
        resp.data = encode({"input_tokens": tokens})
        resp.set_header("X-Usage-Estimated", "true")
