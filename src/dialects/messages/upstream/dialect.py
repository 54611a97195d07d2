"""Messages as the dialect of an upstream."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.messages.upstream.answer import MessageReader, read_answer
from modegate.dialects.messages.upstream.errors import read_error
from modegate.dialects.messages.upstream.request import encode_request, passed_names
from modegate.dialects.upstream_dialect import AnswerReader
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.generation_request import GenerationRequest


class MessagesUpstream:
    """`POST /v1/messages` of an upstream."""

    # The address of such an upstream has no version, as with Anthropic's SDKs.
    path = "/v1/messages"
    longest_tool_name = 128

    def passes(self, asked: GenerationRequest) -> AbstractSet[str]:
        """Returns the parameters that are passed on, by their names in chat completions."""
        return passed_names(asked)

    def request(self, asked: GenerationRequest, model: str, default_max_tokens: int) -> bytes:
        """Returns the body of a request."""
        return encode_request(asked, model, default_max_tokens)

    def answer(self, body: bytes) -> Sequence[AnswerEvent]:
        """Reads a `message`."""
        return read_answer(body)

    def stream(self) -> AnswerReader:
        """Returns the reader of one streamed answer."""
        return MessageReader()

    def error(self, status: int, body: bytes) -> ErrorFacts:
        """Reads an error object."""
        return read_error(status, body)
