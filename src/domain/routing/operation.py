"""Operations that are relayed as they are: those of the OpenAI API but chat, and Anthropic's."""

from enum import Enum, auto

from modegate.domain.routing.capability import Capability
from modegate.domain.routing.upstream import UpstreamKind
from modegate.lazy_dataclass import dataclass


class StreamForm(Enum):
    """How a stream of an operation ends if its upstream cuts it."""

    EVENTS = auto()  # with an error event
    CHUNKS = auto()  # with an error event and `[DONE]`, as for chat completions
    RESPONSES = auto()  # with an error event in the form of the Responses API
    MESSAGES = auto()  # with an error event in the form of Anthropic's API


class Spending(Enum):
    """What the answers of an operation say about the tokens that it spent."""

    NOTHING = auto()  # it spends none, or its answers repeat what another one has reported
    REPORTED = auto()  # a usage that counts, if there is one; its tokens are not those of a text
    TOKENS = auto()  # a usage; without one the tokens are estimated


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The methods of one path; `template` has `{name}` for a segment, `{path:path}` for the rest.

    `keeps_state` means that it reads or changes what the upstream keeps for the holder of its key.
    `needs_json` means that no other body is accepted. `is_conversation` means that the body can
    name a kept conversation to continue. `is_translatable` means that the gateway answers it through
    chat completions, where an upstream lacks it. Only upstreams of its `kind` have it.
    """

    template: str
    methods: frozenset[str]
    capability: Capability = Capability.TEXT
    keeps_state: bool = False
    needs_json: bool = False
    is_conversation: bool = False
    is_translatable: bool = False
    kind: UpstreamKind = UpstreamKind.OPENAI
    stream_form: StreamForm = StreamForm.EVENTS
    spending: Spending = Spending.NOTHING
