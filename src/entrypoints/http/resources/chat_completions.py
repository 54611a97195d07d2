"""`POST /v1/chat/completions`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import falcon
import falcon.asgi

from modegate.application.answering.complete_chat import CompleteChat
from modegate.application.answering.stream_chat import StreamChat
from modegate.dialects.chat.response import ChunkRenderer, render_completion
from modegate.dialects.json import parse_json_object
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import Completion
from modegate.domain.errors import BackendCrashedError
from modegate.domain.mode import ModeDecision, decide_mode
from modegate.domain.turn import ChatRequest, ClaudeTurn, Turn
from modegate.domain.upstream_exchange import ResponseHead, UpstreamResponse
from modegate.entrypoints.http.messages.errors import write_head
from modegate.entrypoints.http.messages.event_stream import encode_stream
from modegate.entrypoints.http.messages.request_body import read_json_body
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import apply_quota, request_log_of

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

    gate: Authenticator
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
        request_log_of(req).mode = decision.mode
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
                request_log_of(req).count(completion.usage)
                if completion.usage.estimated:
                    resp.set_header("X-Usage-Estimated", "true")
            case _, UpstreamResponse() as verbatim:
                write_head(resp, verbatim)
                resp.data = verbatim.body

    async def _answer_in_chunks(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, request: ChatRequest
    ) -> None:
        stack = exit_stack_of(req.scope)
        answer = await stack.enter_async_context(self.stream(request, partial(_note, req)))
        _describe(resp, answer.turn)
        failed = request_log_of(req).fail
        match answer.turn, answer.first:
            case ClaudeTurn() as turn, first:
                resp.content_type = EVENT_STREAM
                render = ChunkRenderer(turn, request_log_of(req).count).render
                body = encode_stream(first, answer.rest, render, failed, self.keep_alive)
            case _, ResponseHead() as head:
                write_head(resp, head)
                body = encode_stream(head, answer.rest, _verbatim, failed)
            case _:
                raise BackendCrashedError("The backend's stream did not begin with its head.")
        stack.push_async_callback(body.aclose)
        resp.stream = body


def _verbatim(chunk: object) -> bytes:
    return chunk if isinstance(chunk, bytes) else b""


def _note(req: falcon.asgi.Request, turn: Turn) -> None:
    """What the log and the headers tell of a turn, also where it fails."""
    record = request_log_of(req)
    record.model = turn.model
    if isinstance(turn, ClaudeTurn):
        record.session = turn.session.id
        if turn.quota is not None:
            apply_quota(req, turn.quota)


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
