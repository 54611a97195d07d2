"""The parameters that Claude Code ignores, and that other models know."""

from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

from modegate.domain.dialect_name import DialectName
from modegate.domain.parameters.json_patterns import is_empty
from modegate.domain.parameters.param_policy import EFFORTS

# With the same name and meaning in each dialect that has them.
SAME = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "user",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "verbosity",
)
# OpenAI's API accepts no longer one; Claude Code sends one of 150 characters.
MAX_USER_CHARACTERS = 64
# The names of ignored parameters whose names in chat completions differ.
RENAMED: Mapping[DialectName, Mapping[str, str]] = MappingProxyType(
    {
        DialectName.CHAT: {},
        DialectName.RESPONSES: {
            "reasoning.effort": "reasoning_effort",
            "text.verbosity": "verbosity",
        },
        DialectName.MESSAGES: {"metadata": "user"},
    }
)


def passed_in(params: Mapping[str, object]) -> dict[str, object]:
    """Returns the parameters that have the same name in chat completions."""
    return {name: value for name in SAME if not is_empty(value := params.get(name))}


def passed_effort(effort: object) -> dict[str, object]:
    """Returns a `reasoning_effort` for which Claude Code has no exact value."""
    known = EFFORTS.get(effort) if isinstance(effort, str) else None
    is_exact = known is not None and known.value == effort and effort != "none"
    return {} if effort is None or is_exact else {"reasoning_effort": effort}


def passed_user(metadata: Mapping[str, object]) -> dict[str, object]:
    """Returns the `user` in the metadata of a request for a message."""
    user = metadata.get("user_id")
    is_short = isinstance(user, str) and 0 < len(user) <= MAX_USER_CHARACTERS
    return {"user": user} if is_short else {}


def still_ignored(
    ignored: Iterable[str], sent: Container[str], dialect: DialectName
) -> tuple[str, ...]:
    """Returns the ignored parameters that are not sent either; `sent` has names of chat."""
    renamed = RENAMED[dialect]
    return tuple(name for name in ignored if renamed.get(name, name) not in sent)
