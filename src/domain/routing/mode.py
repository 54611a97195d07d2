"""The truth table from request headers to the mode that answers."""

from dataclasses import dataclass
from enum import StrEnum

from modegate.domain.errors.catalogue import parameters

TRUTHY = frozenset({"true", "1", "yes"})
FALSY = frozenset({"false", "0", "no"})


class Mode(StrEnum):
    """The two answer modes. The values are those of the `X-Backend-Mode` header."""

    CLAUDE_CODE = "claude-code"
    PASSTHROUGH = "openai-passthrough"


@dataclass(frozen=True, slots=True)
class ModeDecision:
    """A mode and, to resume a Claude Code session, the id that the client sent.

    `anew` is whether a request without an id begins a session even if its history is known.
    """

    mode: Mode
    session_id: str | None = None
    anew: bool = False


RELAYED = ModeDecision(Mode.PASSTHROUGH)


def decide_mode(claude_code: str | None, session_id: str | None) -> ModeDecision:
    """Returns the mode for the values of `X-Claude-Code` and `X-Claude-Session-ID`.

    None means that the header is absent. An explicit `X-Claude-Code` overrides a session id,
    because the id may be stale. Configuration is not consulted: a disabled backend raises its own
    error.

    Raises:
        InvalidHeaderError: if `X-Claude-Code` is neither truthy nor falsy.
    """
    if claude_code is None:
        if session_id is None:
            return RELAYED
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    wish = claude_code.strip(" \t").lower()
    if wish in TRUTHY:
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    if wish in FALSY:
        return RELAYED
    raise parameters.invalid_mode()
