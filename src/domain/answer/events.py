"""A backend's answer: a complete one, or the chunks of a stream."""

from dataclasses import dataclass
from enum import StrEnum

from modegate.domain.upstream_exchange import ResponseHead, UpstreamResponse


class FinishReason(StrEnum):
    """Why the model stopped, with the values of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn; `cached_tokens` is the part of `prompt_tokens` read from a cache.

    `estimated` means that `completion_tokens` is an estimate, because the backend reported none.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """The sum of prompt and completion tokens."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `cli_session_id` is the backend's id of the conversation."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    cli_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The model has started. From here on a failure can no longer become an HTTP status."""

    cli_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextStarted:
    """The text of the answer starts; rendered as the chunk with the role."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; always the last chunk."""

    finish_reason: FinishReason
    usage: Usage


Answer = Completion | UpstreamResponse
Chunk = Started | TextStarted | TextDelta | Finished | ResponseHead | bytes
