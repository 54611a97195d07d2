"""The metadata of an answer."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.session import SessionId
from modegate.domain.tools.client_tool import ToolOffer
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFrame:
    """The facts that a dialect renders around the events of an answer.

    `model` is the client's name for the model; `created` is in Unix seconds; `ignored` names the
    parameters that have no effect, and `ignored_tools` the tools that the model is not told of;
    `new_session` marks the first turn of the session. `names` are the request's parameters that
    give each setting of the turn, and `echoed` the fields of it that the dialect repeats.
    `prompt_tokens` is an estimate, for dialects that begin with the usage. `tools` are those of the
    client, in whose form their calls are rendered. Only Claude Code has a session.
    """

    completion_id: str
    created: int
    model: str
    session_id: SessionId | None = None
    new_session: bool = False
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
    names: Mapping[TurnSetting, tuple[str, ...]] = field(default_factory=dict)
    ignored_tools: tuple[str, ...] = ()
    echoed: Mapping[str, object] = field(default_factory=dict, repr=False)
    shows_reasoning: bool = True
    prompt_tokens: int = 0
    tools: ToolOffer | None = None

    def without(self, settings: Iterable[TurnSetting]) -> "AnswerFrame":
        """Returns the frame of an answer for which the backend could not apply `settings`."""
        names = [name for it in settings for name in self.names.get(it, ())]
        return replace(self, ignored=(*self.ignored, *names)) if names else self

    def id_with(self, prefix: str) -> str:
        """Returns the unique part of the answer's id behind another prefix."""
        return prefix + self.completion_id.partition("-")[2]
