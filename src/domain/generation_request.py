"""What a client asks of a model, in the terms of no dialect."""

from dataclasses import dataclass, field

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.tools.client_tool import ToolOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A parsed and validated request; `model` is the client's name of the model.

    `max_tokens` bounds the answer. `ignored` names the parameters that have no effect.
    """

    model: str
    conversation: Conversation = field(repr=False)
    tools: ToolOffer | None = None
    effort: Effort | None = None
    max_tokens: int | None = None
    streamed: bool = False
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
