"""The operations that are relayed as they are."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import falcon
import falcon.asgi

from modegate.application.answering.relay_call import RelayCall
from modegate.application.answering.routed_answer import RelayedAnswer
from modegate.dialects.json import parse_json_object
from modegate.dialects.messages.relayed_stream import RelayedMessageEvents
from modegate.dialects.registry import DIALECTS
from modegate.dialects.responses.relayed_stream import ResponsesEvents
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError
from modegate.domain.inbound_call import InboundCall, Upload
from modegate.domain.inbound_request import ChatBody, InProcess
from modegate.domain.routing.operation import Operation, StreamForm
from modegate.domain.routing.operations import COUNT_TOKENS, MESSAGES, with_patterns
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse
from modegate.entrypoints.http.messages.errors import stream_facts
from modegate.entrypoints.http.messages.event_stream import encode_stream
from modegate.entrypoints.http.messages.mode_headers import decision_of
from modegate.entrypoints.http.messages.relayed_stream import (
    ObservedEvents,
    encode_content,
    encode_events,
    encode_observed,
)
from modegate.entrypoints.http.messages.request_body import (
    check_identity,
    is_json,
    not_json,
    read_json_body,
)
from modegate.entrypoints.http.messages.request_target import VERSION, target_of
from modegate.entrypoints.http.messages.upload import read_upload
from modegate.entrypoints.http.messages.upstream_head import write_head
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.begun import EMPTY, Begun
from modegate.entrypoints.http.resources.chat_completions import conversation_of
from modegate.entrypoints.http.resources.generated import Generated
from modegate.lazy_dataclass import dataclass

EVENT_STREAM = "text/event-stream"
# The streams whose end is known.
OBSERVED: Mapping[StreamForm, Callable[[], ObservedEvents]] = {
    StreamForm.RESPONSES: ResponsesEvents,
    StreamForm.MESSAGES: RelayedMessageEvents,
}
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """Limits in bytes: of bodies in JSON, and of any other body; and the operator's `patterns`.

    `keep_alive` is in seconds, for answers that are translated.
    """

    max_json: int = 32 * 1024 * 1024
    max_upload: int = 512 * 1024 * 1024
    patterns: Sequence[str] = ()
    keep_alive: float = 15.0


class Relayed:
    """One path of an API; it has a responder for each method of its operation."""

    # Read by the check for WebSockets.
    is_relayed = True

    def __init__(
        self,
        operation: Operation,
        relay: RelayCall,
        authenticator: Authenticator,
        options: Callable[[], RelayOptions],
    ) -> None:
        self._operation = operation
        self._relay = relay
        self._authenticator = authenticator
        self._options = options
        for method in operation.methods:  # Falcon finds the responders by their names
            setattr(self, f"on_{method.lower()}", self._on_request)

    async def _on_request(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str
    ) -> None:
        await self.serve(req, resp)

    async def serve(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        begun: Begun | None = None,
    ) -> None:
        """Relays a request; one that was `begun` is neither admitted nor read again."""
        target = target_of(req.scope, self._operation.kind)
        if target is None:
            raise falcon.HTTPNotFound
        decision = decision_of(req) if begun is None else begun.decision
        record = record_of(req)
        record.mode = decision.mode
        call = InboundCall(
            operation=self._operation,
            target=target,
            decision=decision,
            read=partial(self._read, req) if begun is None else begun.read,
            entry=self._authenticator.entry(req) if begun is None else InProcess(begun.client),
            upstream_key=req.get_header("X-OpenAI-API-Key"),
            conversation=partial(conversation_of, req),
            record=record,
        )
        relaying = self._relay.execute(call)
        answer = await relaying.__aenter__()
        if isinstance(answer, RelayedAnswer):
            # Exited after the response is sent, or when the client disconnects.
            exit_stack_of(req.scope).push_async_exit(relaying)
            self._write(req, resp, answer.response)
            return
        dialect, keep_alive = DIALECTS[DialectName.RESPONSES], self._options().keep_alive
        await Generated(answer, relaying, dialect, keep_alive).write(req, resp)

    async def _read(self, req: falcon.asgi.Request) -> ChatBody | Upload:
        check_identity(req)
        has_json = is_json(req.content_type or "")
        if self._operation.needs_json and not has_json:
            raise not_json()
        if not _has_body(req) and not self._operation.needs_json:
            return EMPTY
        client = connection_of(req)
        if has_json:
            limit = self._options().max_json
            content = await read_json_body(req, client.headers, limit, client.read_body)
            if not content and not self._operation.needs_json:
                return EMPTY
            return ChatBody(content, parse_json_object(content))
        if client.control is not None:
            client.control.expect_upload()
        limit = self._options().max_upload
        return await read_upload(client.receive, req.content_type or "", req.content_length, limit)

    def _write(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, response: UpstreamResponse
    ) -> None:
        write_head(resp, response, record_of(req).hint)
        if resp.content_type is None:  # Falcon would call it JSON
            resp.content_type = UNKNOWN_TYPE
        if isinstance(response.body, bytes):
            resp.data = response.body
            return
        failed = record_of(req).fail
        if not _has_events(response):
            body = encode_content(response.body, failed)
        elif (observed := OBSERVED.get(self._operation.stream_form)) is not None:
            events = observed()
            connection_of(req).render_cut = partial(_cut, events)
            body = encode_observed(response.body, failed, events)
        elif self._operation.stream_form is StreamForm.CHUNKS:
            body = encode_stream(response.body, failed)
        else:
            body = encode_events(response.body, failed)
        exit_stack_of(req.scope).push_async_callback(body.aclose)
        resp.stream = body


def _cut(events: ObservedEvents, error: GatewayError) -> bytes:
    return events.cut(stream_facts(error))


def _has_body(req: falcon.asgi.Request) -> bool:
    return bool(req.content_length) or req.get_header("Transfer-Encoding") is not None


def _has_events(head: ResponseHead) -> bool:
    return any(
        name == "content-type" and value.lower().startswith(EVENT_STREAM)
        for name, value in head.headers
    )


def relayed_routes(
    relay: RelayCall, authenticator: Authenticator, options: Callable[[], RelayOptions]
) -> Mapping[str, Relayed]:
    """Returns the resource of each path template; the operator's patterns are those of now."""
    return {
        f"{VERSION}{it.template}": Relayed(it, relay, authenticator, options)
        for it in (*with_patterns(options().patterns), MESSAGES, COUNT_TOKENS)
    }
