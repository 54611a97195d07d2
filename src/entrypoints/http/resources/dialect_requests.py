"""Requests in the dialects beside chat completions."""

from collections.abc import Callable
from functools import partial

import falcon.asgi

from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.relayed_dialects import is_spoken
from modegate.application.answering.routed_answer import RelayedAnswer
from modegate.dialects.json import parse_json_object
from modegate.dialects.registry import DIALECTS
from modegate.domain.dialect_name import DialectName
from modegate.domain.inbound_request import ChatBody, InboundRequest, InProcess
from modegate.domain.routing.mode import ModeDecision
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.http.messages.request_body import read_json_body
from modegate.entrypoints.http.messages.upstream_head import write_head
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.begun import Begun
from modegate.entrypoints.http.resources.chat_completions import conversation_of
from modegate.entrypoints.http.resources.generated import Generated
from modegate.lazy_dataclass import dataclass


def write_error(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, response: UpstreamResponse
) -> None:
    """Writes an upstream's error, whose body is in the client's dialect."""
    assert isinstance(response.body, bytes)  # noqa: S101 - an error is complete
    write_head(resp, response, record_of(req).hint)
    resp.data = response.body


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectRequests:
    """Reads and answers requests of one dialect.

    `max_body` is in bytes and `keep_alive` in seconds, each that of now.
    """

    dialect: DialectName
    authenticator: Authenticator
    answer: AnswerRequest
    max_body: Callable[[], int]
    keep_alive: Callable[[], float]

    def inbound(
        self, req: falcon.asgi.Request, decision: ModeDecision, begun: Begun | None = None
    ) -> InboundRequest:
        """Returns the request as it enters the pipeline; one that was `begun` is admitted and read."""
        return InboundRequest(
            decision=decision,
            read=partial(self._read, req) if begun is None else begun.read,
            dialect=self.dialect,
            entry=self.authenticator.entry(req) if begun is None else InProcess(begun.client),
            upstream_key=req.get_header("X-OpenAI-API-Key"),
            conversation=partial(conversation_of, req),
            record=record_of(req),
        )

    async def begin(self, req: falcon.asgi.Request, decision: ModeDecision) -> Begun:
        """Admits a request, reads its body, and decides its mode."""
        modes = self.answer.configuration.current().modes
        record = record_of(req)
        record.mode = modes.decide(decision, self.dialect).mode
        client = await self.authenticator.admit(req)
        body = await self._read(req)
        decided = modes.decide(decision, self.dialect, client.rules.mode, body.params.get("model"))
        record.mode = decided.mode
        return Begun(client, body, decided)

    async def is_relayed(self, req: falcon.asgi.Request, begun: Begun) -> bool:
        """Returns whether the request's upstream speaks the dialect."""
        params = (await begun.read()).params
        routes = self.answer.configuration.current().routes
        key = req.get_header("X-OpenAI-API-Key")
        return is_spoken(self.dialect, routes, begun.decision, params, key)

    async def respond(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        decision: ModeDecision,
        begun: Begun | None = None,
    ) -> None:
        """Answers a request, complete or as a stream."""
        answering = self.answer.execute(self.inbound(req, decision, begun))
        answer = await answering.__aenter__()
        if isinstance(answer, RelayedAnswer):
            await answering.__aexit__(None, None, None)
            write_error(req, resp, answer.response)
            return
        dialect = DIALECTS[self.dialect]
        await Generated(answer, answering, dialect, self.keep_alive()).write(req, resp)

    async def _read(self, req: falcon.asgi.Request) -> ChatBody:
        client = connection_of(req)
        content = await read_json_body(req, client.headers, self.max_body(), client.read_body)
        return ChatBody(content, parse_json_object(content))
