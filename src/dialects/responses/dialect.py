"""Responses as a dialect."""

from collections.abc import Iterator, Mapping
from itertools import count

from modegate.dialects.chat.errors import error_object
from modegate.dialects.dialect import ErrorFacts, StreamRenderer
from modegate.dialects.json import encode
from modegate.dialects.responses.generation import parse_generation
from modegate.dialects.responses.items import Unwritten
from modegate.dialects.responses.stream import ResponseEvents
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.conversation.message import ToolCall
from modegate.domain.conversation.thought import Thought
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy


class ResponsesDialect:
    """`POST /v1/responses`."""

    def parse(
        self,
        params: Mapping[str, object],
        policy: ParamPolicy,  # noqa: ARG002 - its parameters are those of chat completions
        media: MediaPolicy,
    ) -> GenerationRequest:
        """Parses a request for a response."""
        return parse_generation(params, media)

    def complete(self, frame: AnswerFrame, completion: Completion) -> bytes:
        """Renders a `response`: that at the end of the same answer's stream."""
        renderer = ResponseEvents(frame, Unwritten())
        for event in _events(completion):
            renderer.render(event)
        return encode(renderer.response)

    def stream(self, frame: AnswerFrame) -> StreamRenderer:
        """Returns the renderer of events."""
        return ResponseEvents(frame)

    def error(self, error: ErrorFacts) -> tuple[int, bytes]:
        """Returns OpenAI's error object."""
        body = error_object(error.message, error.kind, error.code, error.param)
        return error.status, body


def _events(completion: Completion) -> Iterator[AnswerEvent]:
    numbers = count()
    for piece in completion.pieces:
        match piece:
            case str():
                yield TextDelta(piece)
            case Thought():
                yield from _thought(piece)
            case ToolCall():
                index = next(numbers)
                yield ToolCallStarted(index, piece.id, piece.name)
                if piece.arguments:
                    yield ToolCallDelta(index, piece.arguments)
    yield Finished(completion.finish_reason, completion.usage)


def _thought(thought: Thought) -> Iterator[AnswerEvent]:
    if thought.text:
        yield ReasoningDelta(thought.text)
    if thought.signature:
        yield ReasoningSigned(thought.signature, thought.sealed, is_redacted=thought.is_redacted)
