"""The events of a generated answer.

A backend yields `Started`, `MessageStarted`, any number of `ReasoningDelta` and `TextDelta`, any
number of calls of the client's tools, and `Finished`. Reasoning comes before the text that it leads
to; a backend may keep it to itself. `ReasoningSigned` ends a thought that its API has signed. A call is a `ToolCallStarted` and any number of
`ToolCallDelta`; calls may overlap. An answer with calls ends with `FinishReason.TOOL_CALLS`.
"""

from dataclasses import field
from enum import StrEnum

from modegate.domain.answer.usage import Usage
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.lazy_dataclass import dataclass


class FinishReason(StrEnum):
    """Why the model stopped, with the values of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class Started:
    """The turn runs: later failures can no longer change the response's status.

    `cli_session_id` is the id under which the backend keeps the conversation. `ignored` are the
    settings of the turn that the backend could not apply.
    """

    cli_session_id: str | None = None
    ignored: tuple[TurnSetting, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageStarted:
    """The answer's message begins: the chunk with the role."""


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of the model's reasoning, which is no part of the text; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningSigned:
    """The thought so far is complete, and its API takes it back with this signature only.

    A thought of which the API shows nothing has a signature, too. `sealed` is the thought in the form
    in which a client keeps it; empty if it does not. Of one that `is_redacted`, the API gives nothing
    but `signature`.
    """

    signature: str
    sealed: str = ""
    is_redacted: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model calls a tool of the client; calls of one answer have the indices 0, 1, ..."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of a call's arguments, which together are a JSON text; never empty."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete: always the last event; `model` is the one that the backend names.

    `stop_text` is the client's text that ended it, where the backend names it; it is no part of the
    answer. `rejected` is why the document that the model wrote is not valid against the client's
    schema; the answer then has no text, and the model may be asked again.
    """

    finish_reason: FinishReason
    usage: Usage
    model: str | None = field(default=None, compare=False)
    stop_text: str | None = None
    rejected: str | None = None


AnswerEvent = (
    Started
    | MessageStarted
    | ReasoningDelta
    | ReasoningSigned
    | TextDelta
    | ToolCallStarted
    | ToolCallDelta
    | Finished
)
