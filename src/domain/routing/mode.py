"""The mode that answers a request: by its headers, its model's name, or a default."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from modegate.domain.dialect_name import DialectName
from modegate.domain.errors.catalogue import parameters
from modegate.lazy_dataclass import dataclass

TRUTHY = frozenset({"true", "1", "yes"})
FALSY = frozenset({"false", "0", "no"})
# A model's name that begins so is one of Claude Code; the model map does not know the prefix.
MODEL_PREFIX = "claude-code/"


class Mode(StrEnum):
    """The two answer modes. The values are those of the `X-Backend-Mode` header."""

    CLAUDE_CODE = "claude-code"
    PASSTHROUGH = "openai-passthrough"


@dataclass(frozen=True, slots=True)
class ModeDecision:
    """A mode and, to resume a Claude Code session, the id that the client sent.

    `anew` is whether a request without an id begins a session even if its history is known.
    `by_default` is whether no header decided, so that the model's name and defaults may.
    """

    mode: Mode
    session_id: str | None = None
    anew: bool = False
    by_default: bool = field(default=False, compare=False)


# Python 3.11 takes 0.1 µs to look a member up in its enumeration.
PASSTHROUGH = Mode.PASSTHROUGH
RELAYED = ModeDecision(PASSTHROUGH)
UNDECIDED = ModeDecision(PASSTHROUGH, by_default=True)
"""The decision of headers that are absent: passthrough, unless something else decides."""


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
            return UNDECIDED
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    wish = claude_code.strip(" \t").lower()
    if wish in TRUTHY:
        return ModeDecision(Mode.CLAUDE_CODE, session_id)
    if wish in FALSY:
        return RELAYED
    raise parameters.invalid_mode()


@dataclass(frozen=True, slots=True)
class ModeDefaults:
    """The operator's modes for requests without a header: of some dialects, and of all others."""

    mode: Mode = Mode.PASSTHROUGH
    dialects: Mapping[DialectName, Mode] = field(default_factory=dict)

    def decide(
        self,
        by_headers: ModeDecision,
        dialect: DialectName,
        key_mode: str | None = None,
        model: object = None,
    ) -> ModeDecision:
        """Returns the mode of a request from all facts that are known about it.

        The first that says something counts: the headers, the name of the model, the mode of the
        client's key, the mode of the dialect, and the default of the gateway. Nothing is left to
        decide after it.
        """
        if not by_headers.by_default:
            return by_headers
        if isinstance(model, str) and model.startswith(MODEL_PREFIX):
            mode = Mode.CLAUDE_CODE
        elif key_mode is not None:
            mode = Mode(key_mode)
        else:
            mode = self.dialects.get(dialect, self.mode) if self.dialects else self.mode
        if mode is PASSTHROUGH:
            return RELAYED
        return ModeDecision(mode, anew=by_headers.anew)


def without_prefix(model: str) -> str:
    """Returns the name of a model as Claude Code's model map has it."""
    return model.removeprefix(MODEL_PREFIX)
