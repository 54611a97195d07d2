"""`POST /v1/chat/completions`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import falcon
import falcon.asgi

from modegate.application.complete_chat import CompleteChat
from modegate.application.stream_chat import StreamChat
from modegate.domain.client import ClientId
from modegate.domain.completion import Completion
from modegate.domain.errors import BackendCrashedError
from modegate.domain.mode import ModeDecision, decide_mode
from modegate.domain.turn import ChatRequest, ClaudeTurn, Turn
from modegate.domain.verbatim import Verbatim, VerbatimHead
from modegate.entrypoints.http.body import read_json_body
from modegate.entrypoints.http.errors import write_head
from modegate.entrypoints.http.gate import Gate
from modegate.entrypoints.http.json_object import parse_json_object
from modegate.entrypoints.http.lifetime import opened
from modegate.entrypoints.http.record import record_of, tighten
from modegate.entrypoints.http.sse import events
from modegate.entrypoints.http.wire import ChunkRenderer, render_completion

# Some clients take text without a charset for Latin-1.
EVENT_STREAM = "text/event-stream; charset=utf-8"
LONGEST_NAME = 64
MOST_NAMES = 64
# nginx takes no response whose head is larger than 4 KiB (`proxy_buffer_size`).
MAX_LIST_BYTES = 2048
UNFIT = re.compile(r"[^!-+\--~]")  # for a list in a header


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The main job; `keep_alive` is in seconds, `max_body` in bytes."""

    gate: Gate
    complete: CompleteChat
    stream: StreamChat
    max_body: int
    keep_alive: float

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer in the mode that the headers say."""
        decision = decide_mode(
            req.get_header("X-Claude-Code"), req.get_header("X-Claude-Session-ID")
        )
        resp.set_header("X-Backend-Mode", decision.mode)
        record_of(req).mode = decision.mode
        client = await self.gate.admit(req)
        request = await self._read(req, decision, client)
        if request.wants_stream:
            await self._answer_in_chunks(req, resp, request)
        else:
            await self._answer_at_once(req, resp, request)

    async def _read(
        self, req: falcon.asgi.Request, decision: ModeDecision, client: ClientId
    ) -> ChatRequest:
        body = await read_json_body(req, self.max_body)
        return ChatRequest(
            decision=decision,
            params=parse_json_object(body),
            body=body,
            client=client,
            upstream_key=req.get_header("X-OpenAI-API-Key"),
        )

    async def _answer_at_once(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, request: ChatRequest
    ) -> None:
        whole = await self.complete(request, partial(_note, req))
        _describe(resp, whole.turn)
        match whole.turn, whole.answer:
            case ClaudeTurn() as turn, Completion() as completion:
                resp.content_type = falcon.MEDIA_JSON
                resp.data = render_completion(turn, completion)
                record_of(req).count(completion.usage)
                if completion.usage.estimated:
                    resp.set_header("X-Usage-Estimated", "true")
            case _, Verbatim() as verbatim:
                write_head(resp, verbatim)
                resp.data = verbatim.body

    async def _answer_in_chunks(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, request: ChatRequest
    ) -> None:
        stack = opened(req.scope)
        answer = await stack.enter_async_context(self.stream(request, partial(_note, req)))
        _describe(resp, answer.turn)
        failed = record_of(req).fail
        match answer.turn, answer.first:
            case ClaudeTurn() as turn, first:
                resp.content_type = EVENT_STREAM
                render = ChunkRenderer(turn, record_of(req).count).render
                body = events(first, answer.rest, render, failed, self.keep_alive)
            case _, VerbatimHead() as head:
                write_head(resp, head)
                body = events(head, answer.rest, _verbatim, failed)
            case _:
                raise BackendCrashedError("The backend's stream did not begin with its head.")
        stack.push_async_callback(body.aclose)
        resp.stream = body


def _verbatim(chunk: object) -> bytes:
    return chunk if isinstance(chunk, bytes) else b""


def _note(req: falcon.asgi.Request, turn: Turn) -> None:
    """What the log and the headers tell of a turn, also where it fails."""
    record = record_of(req)
    record.model = turn.model
    if isinstance(turn, ClaudeTurn):
        record.session = turn.session.id
        if turn.quota is not None:
            tighten(req, turn.quota)


def _describe(resp: falcon.asgi.Response, turn: Turn) -> None:
    if not isinstance(turn, ClaudeTurn):
        return
    resp.set_header("X-Claude-Session-ID", turn.session.id)
    if not turn.resume:
        resp.set_header("X-Claude-Session-Created", "true")
    if turn.ignored:
        resp.set_header("X-Claude-Ignored-Params", _header_list(turn.ignored))


def _header_list(names: Sequence[str]) -> str:
    """Names fit for a header; of those that a client made up only so many."""
    fit = [UNFIT.sub("?", name[:LONGEST_NAME]) for name in names if name]
    listed = ", ".join(fit if len(fit) <= MOST_NAMES else [*fit[:MOST_NAMES], "..."])
    if len(listed) <= MAX_LIST_BYTES:
        return listed
    return listed[:MAX_LIST_BYTES].rpartition(", ")[0] + ", ..."
