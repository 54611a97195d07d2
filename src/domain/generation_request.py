"""What a client asks of a model, in the terms of no dialect."""

from collections.abc import Mapping
from dataclasses import field

from modegate.domain.conversation.conversation import Conversation
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.session import SessionId
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.tools.client_tool import ToolOffer
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """A parsed and validated request; `model` is the client's name of the model.

    `max_tokens` bounds the answer, reasoning included; it ends before the first of the texts in
    `stop`. With an `output` it is a document of that format. `ignored` names the parameters that
    have no effect, `ignored_tools` the tools that the model is not told of, and `names` the
    parameters that give each setting. `echoed` are the fields that the dialect repeats in the
    answer. Without `shows_reasoning`, the answer has no reasoning. `previous_response` is the id of
    the response that it continues, `session` the session of Claude Code. Its answer `is_kept` to be continued in turn. With
    `seals_reasoning`, the client keeps the thoughts of the answer itself. `passed` are the
    parameters that Claude Code ignores and other models know, as the client sent them, by their names
    in chat completions: `temperature`, `top_p`, `top_k`, `seed`, `user` and others.
    """

    model: str
    conversation: Conversation = field(repr=False)
    tools: ToolOffer | None = None
    effort: Effort | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    output: OutputFormat | None = None
    streamed: bool = False
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
    names: Mapping[TurnSetting, tuple[str, ...]] = field(default_factory=dict)
    ignored_tools: tuple[str, ...] = ()
    echoed: Mapping[str, object] = field(default_factory=dict, repr=False)
    shows_reasoning: bool = True
    previous_response: str | None = None
    session: SessionId | None = None
    is_kept: bool = False
    seals_reasoning: bool = False
    passed: Mapping[str, object] = field(default_factory=dict, repr=False)
