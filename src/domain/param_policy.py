"""What Claude Code does with each request parameter: honour it, ignore it, or refuse it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from modegate.domain.errors import InvalidRequestError, UnsupportedParameterError

Predicate = Callable[[object], bool]


class Tier(Enum):
    """What happens to a parameter."""

    HONOURED = 1
    IGNORED = 2
    REFUSED = 3


class Effort(Enum):
    """Values of `reasoning_effort` that the CLI's `--effort` takes as they are."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


def _is_effort(value: object) -> bool:
    return isinstance(value, str) and value in {effort.value for effort in Effort}


def _is_text_format(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("type") == "text"


def _is_one(value: object) -> bool:
    return value == 1 and not isinstance(value, bool)


def _always(_: object) -> bool:
    return True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


@dataclass(frozen=True, slots=True)
class Rule:
    """A parameter's tier, where its value passes `applies`, else the tier `otherwise`.

    What does not pass `valid` is wrong in every mode; `expected` says what it has to be.
    """

    tier: Tier
    applies: Predicate = _always
    otherwise: Tier = Tier.REFUSED
    valid: Predicate = _always
    expected: str = ""

    def tier_of(self, value: object) -> Tier:
        """The tier of one value."""
        return self.tier if self.applies(value) else self.otherwise


HONOURED = Rule(Tier.HONOURED)
REFUSED = Rule(Tier.REFUSED)
UNKNOWN = Rule(Tier.IGNORED)

# Names that are not here, known to the API or not, are ignored: a client's next release may bring
# a new one.
CLAUDE_CODE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "model": HONOURED,
        "messages": HONOURED,
        "stream": HONOURED,
        "stream_options": HONOURED,
        "reasoning_effort": Rule(Tier.HONOURED, _is_effort, otherwise=Tier.IGNORED),
        "n": Rule(Tier.IGNORED, _is_one, valid=_is_count, expected="a number of at least 1"),
        "logprobs": Rule(
            Tier.IGNORED,
            lambda value: value is False,
            valid=lambda value: isinstance(value, bool),
            expected="true or false",
        ),
        "response_format": Rule(
            Tier.IGNORED, _is_text_format, valid=_is_object, expected="an object"
        ),
        "modalities": Rule(
            Tier.IGNORED,
            lambda value: value == ["text"],
            valid=lambda value: isinstance(value, list),
            expected="a list",
        ),
        "tools": REFUSED,
        "tool_choice": REFUSED,
        "functions": REFUSED,
        "function_call": REFUSED,
        "top_logprobs": REFUSED,
        "logit_bias": REFUSED,
        "audio": REFUSED,
        "prediction": REFUSED,
        "web_search_options": REFUSED,
    }
)


def unsupported(name: str) -> UnsupportedParameterError:
    """The refusal of one parameter, with the ways out."""
    return UnsupportedParameterError(
        f"Claude Code mode does not support '{name}': remove it, or leave out X-Claude-Code to "
        "pass the request through to an upstream that has it, or call the Claude API itself.",
        param=name,
    )


@dataclass(frozen=True, slots=True)
class Screening:
    """What is left of the parameters: those ignored, in the order they came, and the effort."""

    ignored: tuple[str, ...]
    effort: Effort | None


@dataclass(frozen=True, slots=True)
class ParamPolicy:
    """The table of rules; a value of None counts as absent."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: CLAUDE_CODE_RULES)

    def screen(self, params: Mapping[str, object]) -> Screening:
        """Sort the parameters of one request by their tiers.

        Raises:
            InvalidRequestError: one of them cannot be right; `param` is its name.
            UnsupportedParameterError: one of them is refused; `param` is its name.
        """
        tiers = {}
        for name, value in params.items():
            if value is None:
                continue
            rule = self.rules.get(name, UNKNOWN)
            if not rule.valid(value):
                raise InvalidRequestError(f"'{name}' must be {rule.expected}.", param=name)
            tiers[name] = rule.tier_of(value)
        for name, tier in tiers.items():
            if tier is Tier.REFUSED:
                raise unsupported(name)
        ignored = tuple(name for name, tier in tiers.items() if tier is Tier.IGNORED)
        effort = params.get("reasoning_effort")
        return Screening(ignored, Effort(effort) if _is_effort(effort) else None)
