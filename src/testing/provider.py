"""A stand-in for both model providers: Anthropic's Messages API and OpenAI's Chat Completions.

It simulates a model, and says so in every answer. A test scripts what comes next:

    provider = StandInProvider()
    async with provider.running() as url:
        provider.script(Fails(529), Says("Hello there."))
"""

import json
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from modegate.testing.loopback import Handler, LoopbackServer, Reply, Request

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
LABEL = "[simulated]"
ECHOED = 60


@dataclass(frozen=True, slots=True)
class Says:
    """A model's answer: word by word, `delay` seconds apart; broken off after `cut_after` words."""

    text: str
    delay: float = 0.0
    stop: str = "end_turn"
    thinking: str = ""
    cut_after: int | None = None
    input_tokens: int = 25
    cached_tokens: int = 900

    @property
    def words(self) -> list[str]:
        """The text in pieces that join to the text."""
        return self.text.replace(" ", " \0").split("\0")


@dataclass(frozen=True, slots=True)
class Fails:
    """An error of the API, in the form of whichever was asked."""

    status: int
    message: str = "simulated failure"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The API's name for the status."""
        return KINDS.get(self.status, "api_error")


Step = Says | Fails | Handler


class StandInProvider:
    """Plays its script, and then echoes; `requests` are those that it was asked."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self._delay = delay
        self._script: deque[Step] = deque()
        self._server = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """The address while it runs."""
        return self._server.url

    @property
    def requests(self) -> list[Request]:
        """Every request so far."""
        return self._server.requests

    @property
    def abandoned(self) -> int:
        """How many clients left before the end of their response."""
        return self._server.abandoned

    @property
    def under_way(self) -> int:
        """How many requests are being answered."""
        return self._server.under_way

    def script(self, *steps: Step) -> None:
        """What the next requests for an answer get, one each."""
        self._script.extend(steps)

    def running(self) -> AbstractAsyncContextManager[str]:
        """Serve on loopback while the context is open; gives the address without a path."""
        return self._server.running()

    async def _answer(self, request: Request, reply: Reply) -> None:
        path = request.path.partition("?")[0]
        if path == "/v1/models":
            await reply.whole(200, _encode(MODELS), JSON)
        elif path == "/v1/messages":
            await self._play(request, reply, AnthropicDialect())
        elif path == "/v1/chat/completions":
            await self._play(request, reply, OpenAIDialect())
        else:
            await reply.whole(404, b"{}", JSON)

    async def _play(self, request: Request, reply: Reply, dialect: "Dialect") -> None:
        step = self._script.popleft() if self._script else self._echo(request)
        if isinstance(step, Says):
            await dialect.say(request, reply, step)
        elif isinstance(step, Fails):
            await reply.whole(step.status, _encode(dialect.error(step)), {**JSON, **step.headers})
        else:
            await step(request, reply)

    def _echo(self, request: Request) -> Step:
        model = str(request.json.get("model", ""))
        if request.path.startswith("/v1/chat") and not model.startswith("gpt-"):
            return Fails(404, f"The model `{model}` does not exist")
        said = " ".join(last_user_text(request.json).split())
        short = said if len(said) <= ECHOED else f"{said[:ECHOED]}…"
        return Says(f"{LABEL} No model was asked. You said: “{short}”", self._delay)


class Dialect:
    """What differs between the two APIs."""

    def error(self, step: Fails) -> object:
        """The body of an error."""
        raise NotImplementedError

    def whole(self, model: str, step: Says) -> object:
        """The body of an answer in one piece."""
        raise NotImplementedError

    def pieces(self, model: str, step: Says) -> Iterator[tuple[bytes, bool]]:
        """The events of a streamed answer; True marks those that carry a word."""
        raise NotImplementedError

    async def say(self, request: Request, reply: Reply, step: Says) -> None:
        """Answer as the request wants it: at once or streamed."""
        model = str(request.json.get("model", ""))
        if request.json.get("stream") is not True:
            await reply.sleep(step.delay * len(step.words))
            await reply.whole(200, _encode(self.whole(model, step)), {**JSON, **_request_id()})
            return
        await reply.begin({**EVENTS, **_request_id()})
        words = 0
        for event, is_word in self.pieces(model, step):
            if is_word:
                if words == step.cut_after:
                    reply.cut()
                    return
                words += 1
                await reply.sleep(step.delay)
            await reply.chunk(event)
        await reply.end()


class AnthropicDialect(Dialect):
    """`POST /v1/messages`."""

    def error(self, step: Fails) -> object:
        """An `error` object."""
        return {"type": "error", "error": {"type": step.kind, "message": step.message}}

    def whole(self, model: str, step: Says) -> object:
        """A `message` object."""
        return self._message(model, step) | {
            "content": [{"type": "text", "text": step.text}],
            "stop_reason": step.stop,
        }

    def pieces(self, model: str, step: Says) -> Iterator[tuple[bytes, bool]]:
        """From `message_start` to `message_stop`."""
        yield self._event("message_start", message=self._message(model, step)), False
        index = 0
        if step.thinking:
            for event in self._thinking(step.thinking):
                yield event, False
            index = 1
        block = {"type": "text", "text": ""}
        yield self._event("content_block_start", index=index, content_block=block), False
        for word in step.words:
            delta = {"type": "text_delta", "text": word}
            yield self._event("content_block_delta", index=index, delta=delta), True
        yield self._event("content_block_stop", index=index), False
        yield (
            self._event(
                "message_delta",
                delta={"stop_reason": step.stop, "stop_sequence": None},
                usage={"output_tokens": len(step.words)},
            ),
            False,
        )
        yield self._event("message_stop"), False

    def _thinking(self, text: str) -> Iterator[bytes]:
        block = {"type": "thinking", "thinking": "", "signature": ""}
        yield self._event("content_block_start", index=0, content_block=block)
        delta = {"type": "thinking_delta", "thinking": text}
        yield self._event("content_block_delta", index=0, delta=delta)
        delta = {"type": "signature_delta", "signature": "c2ln"}
        yield self._event("content_block_delta", index=0, delta=delta)
        yield self._event("content_block_stop", index=0)

    def _message(self, model: str, step: Says) -> dict[str, object]:
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": step.input_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": step.cached_tokens,
                "output_tokens": 1,
            },
        }

    def _event(self, kind: str, **fields: object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **fields}))


class OpenAIDialect(Dialect):
    """`POST /v1/chat/completions`."""

    def error(self, step: Fails) -> object:
        """An `error` object."""
        return {"error": {"message": step.message, "type": step.kind, "param": None, "code": None}}

    def whole(self, model: str, step: Says) -> object:
        """A `chat.completion` object."""
        message = {"role": "assistant", "content": step.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        usage = {
            "prompt_tokens": step.input_tokens,
            "completion_tokens": len(step.words),
            "total_tokens": step.input_tokens + len(step.words),
        }
        return self._object(model, "chat.completion") | {"choices": [choice], "usage": usage}

    def pieces(self, model: str, step: Says) -> Iterator[tuple[bytes, bool]]:
        """From the role's chunk to `[DONE]`."""
        head = self._object(model, "chat.completion.chunk")

        def chunk(delta: object, reason: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            return b"data: %b\n\n" % _encode({**head, "choices": [choice]})

        yield chunk({"role": "assistant", "content": ""}), False
        for word in step.words:
            yield chunk({"content": word}), True
        yield chunk({}, "stop"), False
        yield b"data: [DONE]\n\n", False

    def _object(self, model: str, kind: str) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": kind,
            "created": 1_700_000_000,
            "model": model,
        }


MODELS = {
    "object": "list",
    "data": [
        {"id": "gpt-5-simulated", "object": "model", "created": 0, "owned_by": "modegate-offline"}
    ],
}


def last_user_text(body: Mapping[str, object]) -> str:
    """What the user said last; the claude CLI puts a message of the role `system` behind it."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content or ())
    return ""


def _request_id() -> dict[str, str]:
    return {"x-request-id": f"req_{uuid.uuid4().hex[:16]}"}


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
