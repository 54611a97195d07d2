"""A complete answer, folded from its events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningSigned,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.errors.catalogue import backend
from modegate.domain.parameters.turn_setting import TurnSetting


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `reasoning` is empty where the backend shows none.

    `calls` are those of the client's tools. `signature` is that of the reasoning, where it is one
    thought that its API has signed. `stop_text` is the client's text that ended the answer.

    `cli_session_id` is the id under which the backend keeps the conversation; `ignored` are the
    settings of the turn that it could not apply.
    """

    text: str
    finish_reason: FinishReason
    usage: Usage
    cli_session_id: str | None = None
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    ignored: tuple[TurnSetting, ...] = ()
    signature: str = ""
    stop_text: str | None = None


async def fold(events: AsyncIterator[AnswerEvent]) -> Completion:
    """Returns the complete answer.

    Raises:
        BackendCrashedError: the events ended without `Finished`.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    signatures: list[str] = []
    calls: dict[int, tuple[str, str, list[str]]] = {}
    started = Started()
    async for event in events:
        match event:
            case TextDelta(text):
                texts.append(text)
            case ReasoningDelta(text):
                thoughts.append(text)
            case ReasoningSigned(signature):
                signatures.append(signature)
            case ToolCallStarted(index, call_id, name):
                calls[index] = (call_id, name, [])
            case ToolCallDelta(index, arguments):
                calls[index][2].append(arguments)
            case Started():
                started = event
            case Finished(reason, usage, _, stop_text):
                return Completion(
                    "".join(texts),
                    reason,
                    usage,
                    started.cli_session_id,
                    "".join(thoughts),
                    tuple(ToolCall(*it[:2], "".join(it[2])) for _, it in sorted(calls.items())),
                    started.ignored,
                    signatures[0] if len(signatures) == 1 else "",
                    stop_text,
                )
            case _:
                pass
    raise backend.ended_early()
