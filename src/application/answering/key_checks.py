"""Checks what the client may use, before anything is asked."""

from modegate.domain.access.key_rules import NO_RULES, KeyRules
from modegate.domain.errors.catalogue import access as errors
from modegate.domain.errors.remedies import Remedy
from modegate.domain.routing.mode import Mode, without_prefix


def check_mode(rules: KeyRules, mode: Mode) -> None:
    """Checks that the key may use a mode.

    Raises:
        ModeNotAllowedError: it may use other modes only.
    """
    if not rules.allows_mode(mode):
        other = Remedy.USE_CLAUDE_CODE if mode is Mode.PASSTHROUGH else Remedy.USE_PASSTHROUGH
        raise errors.mode_not_allowed(mode, rules.modes, other)


def check_turn_mode(rules: KeyRules, mode: Mode) -> None:
    """Checks that the key may use a mode; most keys have no rules.

    Raises:
        ModeNotAllowedError: it may use other modes only.
    """
    if rules is not NO_RULES:
        check_mode(rules, mode)


def check_turn_model(rules: KeyRules, model: str | None, mode: Mode, default: str) -> None:
    """Checks the model of a chat request; in Claude Code, one without a model is for the default.

    There the prefix of the mode is not part of the name, unless the rules have it.

    Raises:
        ModelNotAllowedError: the key may use other models only.
    """
    if mode is not Mode.CLAUDE_CODE or (model is not None and rules.allows_model(model)):
        check_model(rules, model)
    else:
        check_model(rules, default if model is None else without_prefix(model))


def check_model(rules: KeyRules, model: str | None) -> None:
    """Checks that the key may use a model, by the name that the client sent.

    Raises:
        ModelNotAllowedError: it may use other models only, also if the request names none.
    """
    if rules.models and model is None:
        raise errors.no_model_to_allow(rules.models)
    if model is not None and not rules.allows_model(model):
        raise errors.model_not_allowed(rules.models)
