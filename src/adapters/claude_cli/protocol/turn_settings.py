"""The settings of a turn that a process takes between its turns, without I/O."""

import json
from collections.abc import Mapping

from modegate.adapters.claude_cli.protocol.events import Event
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass

LIMIT, NO_THINKING, BODY = (
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
    "CLAUDE_CODE_DISABLE_THINKING",
    "CLAUDE_CODE_EXTRA_BODY",
)
# Models before adaptive thinking reason with a budget of at least 1024 tokens, which the API
# requires to be lower than the limit; the CLI sends it all the same (measured on 2.1.329).
LEAST_WITH_THINKING = 1025


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """The effort, the limit in tokens and the stop sequences of a turn; by default the CLI's own."""

    effort: Effort | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()

    @classmethod
    def of(cls, turn: Turn) -> "TurnSettings":
        """Returns the settings of a turn."""
        return cls(turn.effort, turn.max_tokens, turn.stop)

    @property
    def given(self) -> tuple[TurnSetting, ...]:
        """The settings that differ from the CLI's own."""
        given = {
            TurnSetting.EFFORT: self.effort is not None,
            TurnSetting.MAX_TOKENS: self.max_tokens is not None,
            TurnSetting.STOP: bool(self.stop),
        }
        return tuple(it for it, is_given in given.items() if is_given)

    def flags(self, environment: Mapping[str, str]) -> Mapping[str, object]:
        """Returns the settings as the CLI takes them; `environment` is the process's own.

        The CLI forgets the environment's value of a variable that was set once, so that an unset
        one is set to that value. Of a limit above the model's own, it takes the model's.
        """
        reasons = self.effort is not Effort.NONE
        fits = self.max_tokens is None or self.max_tokens >= LEAST_WITH_THINKING
        own = {name: environment.get(name, "") for name in (LIMIT, NO_THINKING, BODY)}
        changed = {
            LIMIT: "" if self.max_tokens is None else str(self.max_tokens),
            NO_THINKING: "" if reasons and fits else "1",
            BODY: _with_stop(own[BODY], self.stop) if self.stop else "",
        }
        level = self.effort.value if self.effort and reasons else None
        return {
            "effortLevel": level,
            "env": {name: value or own[name] for name, value in changed.items()},
        }


def _with_stop(body: str, stop: tuple[str, ...]) -> str:
    """Returns the operator's addition to each request to the API, with the stop sequences."""
    try:
        added = json.loads(body or "{}")
    except ValueError:  # the CLI ignores it too
        added = {}
    had: Event = added if isinstance(added, dict) else {}
    return json.dumps({**had, "stop_sequences": list(stop)})
