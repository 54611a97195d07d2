"""The steps of a simulated model, and the interface of the APIs that render them."""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import field

from modegate.lazy_dataclass import dataclass
from modegate.simulator.loopback_server import Reply, Request

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


def _call_id() -> str:
    return f"toolu_{uuid.uuid4().hex[:20]}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool in the request; `arguments` is a JSON text, sent in pieces of `piece`."""

    name: str
    arguments: str = "{}"
    id: str = field(default_factory=_call_id)
    piece: int = 8

    @property
    def pieces(self) -> list[str]:
        """The arguments in pieces."""
        starts = range(0, len(self.arguments), self.piece)
        return [self.arguments[start : start + self.piece] for start in starts]


@dataclass(frozen=True, slots=True)
class Says:
    """An answer with `delay` seconds between words; cut after `cut_after` words, if set.

    With `tool` it is a call of that tool, and the text is its input as JSON (Anthropic's API only).
    It may end with calls of other tools; the text of such an answer may be empty.
    """

    text: str
    delay: float = 0.0
    stop: str = "end_turn"
    thinking: str = ""
    tool: str = ""
    cut_after: int | None = None
    stop_text: str | None = None
    input_tokens: int = 25
    cached_tokens: int = 900
    headers: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of the text with their spaces; concatenated, they are the text."""
        if self.calls and not self.text:
            return []
        return self.text.replace(" ", " \0").split("\0")


@dataclass(frozen=True, slots=True)
class Fails:
    """An error, rendered in the format of the API that was called."""

    status: int
    message: str = "simulated failure"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The API's error type for the status."""
        return KINDS.get(self.status, "api_error")


class ProviderApi(ABC):
    """The interface of a simulated API."""

    @abstractmethod
    def error(self, step: Fails) -> object:
        """Returns the body of an error."""

    @abstractmethod
    def whole(self, model: str, step: Says) -> object:
        """Returns the body of a complete answer."""

    @abstractmethod
    def pieces(self, body: Mapping[str, object], step: Says) -> Iterator[tuple[bytes, bool]]:
        """Yields the events of a streamed answer; True marks events with a word."""

    async def say(self, request: Request, reply: Reply, step: Says) -> None:
        """Sends the answer, complete or streamed as requested."""
        model = str(request.json.get("model", ""))
        if request.json.get("stream") is not True:
            await reply.sleep(step.delay * len(step.words))
            headers = {**JSON, **_request_id(), **step.headers}
            await reply.whole(200, encode(self.whole(model, step)), headers)
            return
        await reply.begin({**EVENTS, **_request_id(), **step.headers})
        words = 0
        for event, is_word in self.pieces(request.json, step):
            if reply.gone.is_set():
                return
            if is_word:
                if words == step.cut_after:
                    reply.cut()
                    return
                words += 1
                await reply.sleep(step.delay)
            await reply.chunk(event)
        await reply.end()


def _request_id() -> dict[str, str]:
    return {"x-request-id": f"req_{uuid.uuid4().hex[:16]}"}


def encode(value: object) -> bytes:
    """Returns the value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
