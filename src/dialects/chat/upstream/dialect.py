"""Chat completions as the dialect of an upstream."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from modegate.dialects.chat.upstream.answer import read_answer
from modegate.dialects.chat.upstream.errors import error_facts
from modegate.dialects.chat.upstream.request import encode_request
from modegate.dialects.chat.upstream.stream import ChunkReader
from modegate.dialects.dialect import ErrorFacts
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.generation_request import GenerationRequest
from modegate.lazy_dataclass import dataclass

# Parameters that nearly all servers know; some reject what they do not know.
COMMON = frozenset(
    {
        "frequency_penalty",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "temperature",
        "top_p",
        "user",
    }
)
OF_OPENAI = COMMON | {"prompt_cache_key", "safety_identifier", "service_tier", "verbosity"}
OF_OTHERS = COMMON | {"min_p", "top_k"}


@dataclass(frozen=True, slots=True)
class ChatUpstream:
    """`POST /chat/completions`.

    `known` are the parameters that are passed on, and `limit` is the name of the maximum of tokens.
    Without `systems_anywhere`, system messages are accepted at the beginning only.
    """

    known: frozenset[str]
    limit: str
    systems_anywhere: bool = True

    @property
    def longest_tool_name(self) -> int:
        """That of OpenAI's API, which most others have."""
        return 64

    @property
    def path(self) -> str:
        """The path below the upstream's address, which has the version."""
        return "/chat/completions"

    def passes(self, asked: GenerationRequest) -> AbstractSet[str]:
        """Returns the parameters that are passed on."""
        return asked.passed.keys() & self.known

    def request(
        self,
        asked: GenerationRequest,
        model: str,
        default_max_tokens: int,  # noqa: ARG002 - the API demands no maximum
    ) -> bytes:
        """Returns the body of a request."""
        return encode_request(
            asked, model, self.known, self.limit, systems_anywhere=self.systems_anywhere
        )

    def answer(self, body: bytes) -> Sequence[AnswerEvent]:
        """Reads a `chat.completion`."""
        return read_answer(body)

    def stream(self) -> ChunkReader:
        """Returns the reader of chunks."""
        return ChunkReader()

    def error(self, status: int, body: bytes) -> ErrorFacts:
        """Reads OpenAI's error object, and what others answer in its place."""
        return error_facts(status, body)


# OpenAI's newer models reject `max_tokens`; many other servers know nothing else.
OPENAI_CHAT = ChatUpstream(OF_OPENAI, "max_completion_tokens")
COMPATIBLE_CHAT = ChatUpstream(OF_OTHERS, "max_tokens", systems_anywhere=False)
