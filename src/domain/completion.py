"""What a backend answers: a whole completion, or the chunks of one."""

from dataclasses import dataclass
from enum import StrEnum

from modegate.domain.verbatim import Verbatim, VerbatimHead


class FinishReason(StrEnum):
    """Why the model stopped, in the words of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn; `cached_tokens` is the part of `prompt_tokens` that was read from a cache.

    `estimated` tells that `completion_tokens` is a guess, for the backend gave no figure.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer; `cli_session_id` is the id under which the backend keeps the conversation."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    cli_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The model has begun: from here on a failure can no longer be a status."""

    cli_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextStarted:
    """The answer's text begins: the chunk that names the role."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole: always the last chunk."""

    finish_reason: FinishReason
    usage: Usage


Answer = Completion | Verbatim
Chunk = Started | TextStarted | TextDelta | Finished | VerbatimHead | bytes
