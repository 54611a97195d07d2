"""Writes answers that are generated or translated, in each dialect."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from itertools import chain

import falcon
import falcon.asgi

from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.dialects.dialect import Dialect, StreamRenderer
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.errors import GatewayError
from modegate.entrypoints.http.messages.errors import stream_facts
from modegate.entrypoints.http.messages.event_stream import encode_stream
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.lazy_dataclass import dataclass

# Some clients decode text without a charset as Latin-1.
EVENT_STREAM = "text/event-stream; charset=utf-8"
IGNORED_BY_CLAUDE = "X-Claude-Ignored-Params"
# Of translated requests: what has no form in the upstream's API.
IGNORED_BY_UPSTREAM = "X-Modegate-Ignored-Params"
LONG_BYTES = 64 * 1024
MAX_NAME_CHARACTERS = 64
MAX_NAMES = 64
# nginx rejects a response head of more than 4 KiB (`proxy_buffer_size`).
MAX_LIST_BYTES = 2048
NOT_IN_HEADER_LIST = re.compile(r"[^!-+\--~]")


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer, the context in which it is generated, and the dialect of the client.

    `keep_alive` is in seconds.
    """

    answer: CompleteAnswer | StreamedAnswer
    answering: AbstractAsyncContextManager[RoutedAnswer]
    dialect: Dialect
    keep_alive: float

    async def write(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Writes the answer; its context is left at the end of it, or when the client leaves."""
        if isinstance(self.answer, CompleteAnswer):
            # Before the response is sent: a client that has it may begin its session's next turn.
            await self.answering.__aexit__(None, None, None)
            self._write_complete(resp, self.answer)
        else:
            self._write_stream(req, resp, self.answer)
        _write_frame(resp, self.answer.frame)

    def _write_stream(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, answer: StreamedAnswer
    ) -> None:
        opened = AsyncExitStack()
        opened.push_async_exit(self.answering)
        exit_stack_of(req.scope).push_async_exit(opened)
        renderer = self.dialect.stream(answer.frame)
        connection_of(req).render_cut = partial(_cut, renderer)
        pieces = _rendered(renderer, answer)
        resp.content_type = EVENT_STREAM
        body = encode_stream(pieces, record_of(req).fail, self.keep_alive, opened.aclose, renderer)
        exit_stack_of(req.scope).push_async_callback(body.aclose)
        resp.stream = body

    def _write_complete(self, resp: falcon.asgi.Response, answer: CompleteAnswer) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self.dialect.complete(answer.frame, answer.completion)
        if answer.completion.usage.estimated:
            resp.set_header("X-Usage-Estimated", "true")


def _cut(renderer: StreamRenderer, error: GatewayError) -> bytes:
    return renderer.cut(stream_facts(error)) + renderer.end()


async def _rendered(
    renderer: StreamRenderer, answer: StreamedAnswer
) -> AsyncGenerator[bytes, None]:
    yield renderer.render(answer.first)
    if answer.batches is None:
        async for event in answer.rest:
            for piece in _in_writes(renderer, (event,)):
                yield piece
        return
    async for batch in answer.batches:
        for piece in _in_writes(renderer, batch):
            yield piece


def _in_writes(renderer: StreamRenderer, events: Sequence[AnswerEvent]) -> Iterator[bytes]:
    """Yields rendered events; short ones are joined, long ones would need their memory twice."""
    waiting: list[bytes] = []
    for piece in chain.from_iterable(map(renderer.pieces, events)):
        if len(piece) < LONG_BYTES:
            waiting.append(piece)
            continue
        yield b"".join(waiting)
        waiting.clear()
        yield piece
    yield b"".join(waiting)


def _write_frame(resp: falcon.asgi.Response, frame: AnswerFrame) -> None:
    if frame.session_id is not None:
        resp.set_header("X-Claude-Session-ID", frame.session_id)
    if frame.new_session:
        resp.set_header("X-Claude-Session-Created", "true")
    if frame.ignored:
        name = IGNORED_BY_UPSTREAM if frame.session_id is None else IGNORED_BY_CLAUDE
        resp.set_header(name, _header_list(frame.ignored))
    if frame.ignored_tools:
        resp.set_header("X-Modegate-Ignored-Tools", _header_list(frame.ignored_tools))


def _header_list(names: Sequence[str]) -> str:
    """Returns the names as a header value, with long names and long lists truncated."""
    fit = [NOT_IN_HEADER_LIST.sub("?", name[:MAX_NAME_CHARACTERS]) for name in names if name]
    listed = ", ".join(fit if len(fit) <= MAX_NAMES else [*fit[:MAX_NAMES], "..."])
    if len(listed) <= MAX_LIST_BYTES:
        return listed
    return listed[:MAX_LIST_BYTES].rpartition(", ")[0] + ", ..."
