"""`POST /v1/chat/completions`."""

from collections.abc import AsyncGenerator, Callable
from functools import partial

import falcon
import falcon.asgi

from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.routed_answer import RelayedAnswer
from modegate.dialects.json import parse_json_object
from modegate.dialects.registry import DIALECTS
from modegate.domain.dialect_name import DialectName
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.routing.mode import decide_mode
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.http.messages.event_stream import encode_stream
from modegate.entrypoints.http.messages.request_body import read_json_body
from modegate.entrypoints.http.messages.upstream_head import write_head
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.client_connection import ClientConnection, connection_of
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.generated import Generated
from modegate.lazy_dataclass import dataclass

OWN_HEADERS = frozenset({b"x-claude-code", b"x-claude-session-id", b"x-openai-api-key"})
NO_HEADERS = (None, None, None)


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The chat endpoint; `keep_alive` is in seconds, the sizes in bytes, each that of now.

    `max_body` bounds a body without its images and files, which have at most `max_media` bytes.
    """

    authenticator: Authenticator
    answer: AnswerRequest
    max_body: Callable[[], int]
    max_media: Callable[[], int]
    keep_alive: Callable[[], float]

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answers in the mode of the request."""
        client = connection_of(req)
        # Most requests have none of them, and a missing one costs Falcon an exception.
        code, session_id, upstream_key = (
            NO_HEADERS if OWN_HEADERS.isdisjoint(client.headers) else _own_headers(req)
        )
        answering = self.answer.execute(
            InboundRequest(
                decision=decide_mode(code, session_id),
                read=partial(self._read, req, client),
                entry=self.authenticator.entry(req),
                upstream_key=upstream_key,
                conversation=partial(conversation_of, req),
                record=client.record,
            )
        )
        answer = await answering.__aenter__()
        if isinstance(answer, RelayedAnswer) and isinstance(answer.response.body, bytes):
            await answering.__aexit__(None, None, None)  # nothing is left to do for it
            _write_response(req, resp, answer.response)
            return
        if not isinstance(answer, RelayedAnswer):
            dialect = DIALECTS[DialectName.CHAT]
            await Generated(answer, answering, dialect, self.keep_alive()).write(req, resp)
            return
        # Exited at the end of the stream, or when the client disconnects.
        exit_stack_of(req.scope).push_async_exit(answering)
        _write_response(req, resp, answer.response)

    async def _read(self, req: falcon.asgi.Request, client: ClientConnection) -> ChatBody:
        content = await read_json_body(
            req, client.headers, self.max_body(), client.read_body, media=self.max_media()
        )
        return ChatBody(content, parse_json_object(content))


def conversation_of(req: falcon.asgi.Request) -> str | None:
    """Returns the client's own id of its conversation, if it sent one."""
    names = ("session-id", "x-claude-code-session-id")
    return next((value for name in names if (value := req.get_header(name))), None)


def _own_headers(req: falcon.asgi.Request) -> tuple[str | None, str | None, str | None]:
    return (
        req.get_header("X-Claude-Code"),
        req.get_header("X-Claude-Session-ID"),
        req.get_header("X-OpenAI-API-Key"),
    )


def _write_response(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, response: UpstreamResponse
) -> None:
    write_head(resp, response, record_of(req).hint)
    if isinstance(response.body, bytes):
        resp.data = response.body
    else:
        _send(req, resp, encode_stream(response.body, record_of(req).fail))


def _send(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, body: AsyncGenerator[bytes, None]
) -> None:
    exit_stack_of(req.scope).push_async_callback(body.aclose)
    resp.stream = body
