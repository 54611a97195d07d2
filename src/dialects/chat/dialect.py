"""Chat completions as a dialect."""

from collections.abc import Mapping

from modegate.dialects.chat.errors import error_object
from modegate.dialects.chat.generation import parse_generation
from modegate.dialects.chat.response import render_completion
from modegate.dialects.chat.stream import ChunkRenderer
from modegate.dialects.dialect import ErrorFacts, StreamRenderer
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy


class ChatDialect:
    """`POST /v1/chat/completions`."""

    def parse(
        self, params: Mapping[str, object], policy: ParamPolicy, media: MediaPolicy
    ) -> GenerationRequest:
        """Parses a chat-completions request."""
        return parse_generation(params, policy, media)

    def complete(self, frame: AnswerFrame, completion: Completion) -> bytes:
        """Renders a `chat.completion`."""
        return render_completion(frame, completion)

    def stream(self, frame: AnswerFrame) -> StreamRenderer:
        """Returns the renderer of chunks."""
        return ChunkRenderer(frame)

    def error(self, error: ErrorFacts) -> tuple[int, bytes]:
        """Returns OpenAI's error object."""
        body = error_object(error.message, error.kind, error.code, error.param)
        return error.status, body
