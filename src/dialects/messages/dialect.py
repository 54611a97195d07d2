"""Messages as a dialect."""

from collections.abc import Mapping

from modegate.dialects.dialect import ErrorFacts, StreamRenderer
from modegate.dialects.messages.errors import error_body, status_and_type
from modegate.dialects.messages.generation import parse_generation
from modegate.dialects.messages.response import render_message
from modegate.dialects.messages.stream import MessageEvents
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy


class MessagesDialect:
    """`POST /v1/messages`."""

    def parse(
        self,
        params: Mapping[str, object],
        policy: ParamPolicy,  # noqa: ARG002 - its parameters are those of chat completions
        media: MediaPolicy,
    ) -> GenerationRequest:
        """Parses a request for a message."""
        return parse_generation(params, media)

    def complete(self, frame: AnswerFrame, completion: Completion) -> bytes:
        """Renders a `message`."""
        return render_message(frame, completion)

    def stream(self, frame: AnswerFrame) -> StreamRenderer:
        """Returns the renderer of events."""
        return MessageEvents(frame)

    def error(self, error: ErrorFacts) -> tuple[int, bytes]:
        """Returns Anthropic's error object, with the status that Anthropic's API uses."""
        status, kind = status_and_type(error)
        return status, error_body(error.message, kind, error.request_id, error.param)
