"""Which backend answers a request: the header truth table."""

from dataclasses import dataclass
from enum import StrEnum

from modegate.domain.errors import InvalidHeaderError

TRUTHY = frozenset({"true", "1", "yes"})
FALSY = frozenset({"false", "0", "no"})


class Mode(StrEnum):
    """The two ways to answer; the values are those of the header `X-Backend-Mode`."""

    CLAUDE_CODE = "claude-code"
    PASSTHROUGH = "openai-passthrough"


@dataclass(frozen=True, slots=True)
class ModeDecision:
    """A mode and, where Claude Code is to resume a conversation, the id that the client gave."""

    mode: Mode
    session_id: str | None = None


def decide_mode(claude_code: str | None, session_id: str | None) -> ModeDecision:
    """Decide from the values of `X-Claude-Code` and `X-Claude-Session-ID`; None is an absent header.

    An explicit `X-Claude-Code` beats a session id, which may be stale. Configuration plays no part:
    a backend that is switched off says so itself.

    Raises:
        InvalidHeaderError: `X-Claude-Code` is neither truthy nor falsy.
    """
    if claude_code is None:
        if session_id is None:
            return ModeDecision(Mode.PASSTHROUGH)
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    wish = claude_code.strip(" \t").lower()
    if wish in TRUTHY:
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    if wish in FALSY:
        return ModeDecision(Mode.PASSTHROUGH)
    raise InvalidHeaderError(
        "X-Claude-Code must be true/1/yes (answer with Claude Code) or false/0/no (pass through to "
        "the upstream); leave it out for passthrough.",
        param="X-Claude-Code",
    )
