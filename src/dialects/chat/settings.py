"""The parameters of a chat-completions request that set how the model answers."""

from collections.abc import Mapping

from modegate.domain.parameters.kinds import as_count, as_stop
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.lazy_dataclass import dataclass

# OpenAI's newer name includes reasoning, as Claude's limit does. Of two limits the lower counts.
LIMITS = ("max_completion_tokens", "max_tokens")
# More than any model writes: Claude Code lowers it to the model's own limit.
MAX_LIMIT = 2**31 - 1
NAMES = {TurnSetting.EFFORT: ("reasoning_effort",), TurnSetting.STOP: ("stop",)}


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """The limit of an answer in tokens, the texts that end it, and the settings' parameters."""

    max_tokens: int | None
    stop: tuple[str, ...]
    names: Mapping[TurnSetting, tuple[str, ...]]
    ignored: tuple[str, ...]


def parse_settings(params: Mapping[str, object]) -> AnswerSettings:
    """Returns the settings in parameters whose types have been checked.

    The API rejects `stop` with a text of white space only (Anthropic's reference of
    `stop_sequences`), so such a list is ignored.
    """
    limits = {name: count for name in LIMITS if (count := as_count(params.get(name)))}
    stop = as_stop(params.get("stop")) or ()
    usable = all(text.strip() for text in stop)
    return AnswerSettings(
        min((*limits.values(), MAX_LIMIT)) if limits else None,
        stop if usable else (),
        NAMES | {TurnSetting.MAX_TOKENS: tuple(name for name in params if name in limits)},
        () if usable else ("stop",),
    )
