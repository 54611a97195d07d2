"""Completions and chunks in the form of the OpenAI API."""

import json
from collections.abc import Callable, Sequence

from modegate.domain.answer.events import Completion, Finished, TextDelta, TextStarted, Usage
from modegate.domain.turn import ClaudeTurn

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


# Longer lines than 64 KiB are an error to Go's `bufio.Scanner`; six bytes are an escape.
MAX_DELTA_CHARACTERS = 8 * 1024
# Python's `splitlines`, and with it httpx's `iter_lines`, ends a line at these as well; JSON escapes
# the others of its kind by itself.
LINE_SEPARATORS = ("\x85", "\u2028", "\u2029")


def encode(value: object) -> bytes:
    """Returns JSON in UTF-8 on one line, compact; a lone surrogate becomes `?`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return escape_line_separators(text).encode("utf-8", "replace")


def escape_line_separators(text: str) -> str:
    """Escapes in JSON what some readers of lines take for the end of one."""
    if text.isascii():  # known without a look at the text
        return text
    for separator in LINE_SEPARATORS:
        if separator in text:
            text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text


def event(data: bytes) -> bytes:
    """One server-sent event."""
    return b"data: %b\n\n" % data


def render_completion(turn: ClaudeTurn, completion: Completion) -> bytes:
    """A `chat.completion` object."""
    return encode(
        {
            "id": turn.completion_id,
            "object": "chat.completion",
            "created": turn.created,
            "model": turn.model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": completion.text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": completion.finish_reason,
                }
            ],
            "usage": render_usage(completion.usage),
        }
    )


def render_usage(usage: Usage) -> dict[str, object]:
    """A `usage` object."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _nobody(_: Usage) -> None:
    return


class ChunkRenderer:
    """Writes the chunks of one turn; what all of them share is rendered once.

    `count` is told the tokens, whether or not the client wants them.
    """

    def __init__(self, turn: ClaudeTurn, count: Callable[[Usage], None] = _nobody) -> None:
        self._count = count
        head = {
            "id": turn.completion_id,
            "object": "chat.completion.chunk",
            "created": turn.created,
            "model": turn.model,
        }
        self._head = b"data: " + encode(head)[:-1]
        self._include_usage = turn.include_usage
        # With usage asked for, every chunk but the one that has it says that it has not.
        self._tail = (b',"usage":null' if turn.include_usage else b"") + b"}\n\n"

    def render(self, chunk: object) -> bytes:
        """The events of one chunk; none for a chunk that says nothing to a client."""
        match chunk:
            case TextDelta(text):
                return b"".join(self._choice({"content": part}) for part in _parts(text))
            case TextStarted():
                return self._choice({"role": "assistant", "content": ""})
            case Finished(reason, usage):
                self._count(usage)
                finish = self._choice({}, reason)
                return finish + self._usage(usage) if self._include_usage else finish
            case _:
                return b""

    def _choice(self, delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return b'%b,"choices":[%b]%b' % (self._head, encode(choice), self._tail)

    def _usage(self, usage: Usage) -> bytes:
        return b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(render_usage(usage)))


def _parts(text: str) -> Sequence[str]:
    if len(text) <= MAX_DELTA_CHARACTERS:
        return (text,)
    starts = range(0, len(text), MAX_DELTA_CHARACTERS)
    return [text[start : start + MAX_DELTA_CHARACTERS] for start in starts]
