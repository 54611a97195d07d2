"""Encodes the effort of reasoning in the form that a model takes.

Source: Anthropic's reference, "Troubleshooting thinking", 2026-11. Models up to 4.5 take a budget
of tokens only, later ones reject it or advise against it.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType

from modegate.dialects.messages.upstream.tools import demands_call
from modegate.domain.conversation.message import Message, Role
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import Effort

Object = dict[str, object]

# `claude-3-7-sonnet-20250219`, `claude-opus-4-20250514`, `anthropic/claude-sonnet-4.5`.
VERSION = re.compile(
    r"claude-(?:(\d{1,2})(?:[-.](\d{1,2}))?-(?:opus|sonnet|haiku)"
    r"|(?:opus|sonnet|haiku)-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?)"
)
ALWAYS_THINKS = re.compile(r"claude-(?:fable|mythos)")
FIRST_WITH_BUDGET, FIRST_ADAPTIVE = (3, 7), (4, 6)
OFF: Mapping[str, object] = MappingProxyType({"type": "disabled"})
LEAST_BUDGET = 1024
# Of the bound of the answer, thoughts included; the rest is left for the text.
SHARES: Mapping[Effort, float] = MappingProxyType(
    {
        Effort.LOW: 0.2,
        Effort.MEDIUM: 0.5,
        Effort.HIGH: 0.7,
        Effort.XHIGH: 0.8,
        Effort.MAX: 0.8,
    }
)


class _Form(Enum):
    """How a model is told to think."""

    NONE = auto()
    BUDGET = auto()
    ADAPTIVE = auto()
    ALWAYS = auto()  # adaptive, and cannot be turned off


def encode_thinking(asked: GenerationRequest, model: str, max_tokens: int) -> tuple[Object, Object]:
    """Returns the fields of a request for its effort, and those of its `output_config`.

    Both are empty where the client asks for no effort, or the model has none. The API allows no
    thinking where a call is demanded.
    """
    form, effort = _form_of(model), asked.effort
    if effort is None or form is _Form.NONE:
        return {}, {}
    if effort is Effort.NONE:
        return ({}, {"effort": "low"}) if form is _Form.ALWAYS else ({"thinking": dict(OFF)}, {})
    if form is _Form.BUDGET:
        thinking = _with_budget(asked, effort, max_tokens)
        return ({"thinking": thinking} if thinking else {}), {}
    config: Object = {"effort": _known_effort(effort, model)}
    if demands_call(asked.tools):
        return {}, config
    display = "summarized" if asked.shows_reasoning else "omitted"
    return {"thinking": {"type": "adaptive", "display": display}}, config


def _form_of(model: str) -> _Form:
    """Returns the form for a model; that of current models for an unknown name."""
    if ALWAYS_THINKS.search(model):
        return _Form.ALWAYS
    version = _version_of(model)
    if version is None or version >= FIRST_ADAPTIVE:
        return _Form.ADAPTIVE
    return _Form.BUDGET if version >= FIRST_WITH_BUDGET else _Form.NONE


def _version_of(model: str) -> tuple[int, int] | None:
    found = VERSION.search(model)
    if found is None:
        return None
    return int(found[1] or found[3]), int(found[2] or found[4] or 0)


def _known_effort(effort: Effort, model: str) -> str:
    """Returns the value for an effort; 4.6 has none above `high`, but for Opus `max`."""
    if _version_of(model) != FIRST_ADAPTIVE or effort not in (Effort.XHIGH, Effort.MAX):
        return effort.value
    return effort.value if effort is Effort.MAX and "opus" in model else Effort.HIGH.value


def _with_budget(asked: GenerationRequest, effort: Effort, max_tokens: int) -> Object | None:
    """Returns a budget below the bound of the answer; None where the API allows no thinking.

    The bound is too small, a call is demanded, or the answer goes on after calls whose thoughts the
    client has not kept.
    """
    budget = max(LEAST_BUDGET, int(max_tokens * SHARES[effort]))
    if budget >= max_tokens or demands_call(asked.tools):
        return None
    if _goes_on_without_thoughts(asked.conversation.messages):
        return None
    return {"type": "enabled", "budget_tokens": budget}


def _goes_on_without_thoughts(messages: Sequence[Message]) -> bool:
    """Returns whether the last turn is results of calls that no thought led to."""
    at = len(messages)
    while at and messages[at - 1].role is not Role.ASSISTANT:
        at -= 1
    has_results = any(it.is_result for it in messages[at:])
    return at > 0 and has_results and not any(it.signature for it in messages[at - 1].thoughts)
