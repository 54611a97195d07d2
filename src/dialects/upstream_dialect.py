"""What a dialect does where an upstream speaks it, and the client does not: pure, no I/O."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from modegate.dialects.dialect import ErrorFacts
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.generation_request import GenerationRequest


class AnswerReader(Protocol):
    """Reads the stream of one answer, in pieces that are cut anywhere."""

    def feed(self, data: bytes) -> Sequence[AnswerEvent]:
        """Returns the events that are complete after `data`.

        Raises:
            GatewayError: if the stream reports an error, or is none of this dialect.
        """
        ...

    def end(self) -> Sequence[AnswerEvent]:
        """Returns the last events, after the last piece.

        Raises:
            GatewayError: if the answer was cut.
        """
        ...


class UpstreamDialect(Protocol):
    """The wire format of one API: the domain's terms to requests, and answers back."""

    @property
    def path(self) -> str:
        """The path of the request, relative to the upstream's address."""
        ...

    @property
    def longest_tool_name(self) -> int:
        """The most characters of a tool's name."""
        ...

    def passes(self, asked: GenerationRequest) -> AbstractSet[str]:
        """Returns the parameters of `asked.passed` that its request has, by the same names."""
        ...

    def request(self, asked: GenerationRequest, model: str, default_max_tokens: int) -> bytes:
        """Returns the body of a request; `default_max_tokens` is for APIs that demand a bound.

        Raises:
            RequestError: if the API has no form for what is asked.
        """
        ...

    def answer(self, body: bytes) -> Sequence[AnswerEvent]:
        """Reads a complete answer.

        Raises:
            GatewayError: if it is none of this dialect.
        """
        ...

    def stream(self) -> AnswerReader:
        """Returns the reader of one streamed answer."""
        ...

    def error(self, status: int, body: bytes) -> ErrorFacts:
        """Reads an error; a body without one is described by the status."""
        ...
