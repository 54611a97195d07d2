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


class Kind(Enum):
    """What a value must be in every mode, as messages say it."""

    ANY = "anything"
    BOOLEAN = "true or false"
    COUNT = "a number of at least 1"
    LIST = "a list"
    OBJECT = "an object"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


CHECKS: Mapping[Kind, Predicate] = MappingProxyType(
    {
        Kind.ANY: lambda _: True,
        Kind.BOOLEAN: lambda value: isinstance(value, bool),
        Kind.COUNT: _is_count,
        Kind.LIST: lambda value: isinstance(value, list),
        Kind.OBJECT: lambda value: isinstance(value, Mapping),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A parameter's tier; where `only` names values, others have the tier `otherwise`.

    A value that is not of its `kind` is wrong in every mode.
    """

    tier: Tier
    only: tuple[object, ...] = ()
    otherwise: Tier = Tier.REFUSED
    kind: Kind = Kind.ANY

    def is_valid(self, value: object) -> bool:
        """Whether the value could be right in some mode."""
        return CHECKS[self.kind](value)

    def tier_of(self, value: object) -> Tier:
        """The tier of one value."""
        applies = not self.only or any(_matches(value, wanted) for wanted in self.only)
        return self.tier if applies else self.otherwise


def _matches(value: object, wanted: object) -> bool:
    """Whether it is the same in JSON, where 1 is not true; an object may hold more."""
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and _matches(value[name], item) for name, item in wanted.items()
        )
    return type(value) is type(wanted) and value == wanted


HONOURED = Rule(Tier.HONOURED)
IGNORED = Rule(Tier.IGNORED)
REFUSED = Rule(Tier.REFUSED)
EFFORTS = tuple(effort.value for effort in Effort)

# Names that are not here, known to the API or not, are ignored too: a client's next release may
# bring a new one.
CLAUDE_CODE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "model": HONOURED,
        "messages": HONOURED,
        "stream": HONOURED,
        "stream_options": HONOURED,
        "reasoning_effort": Rule(Tier.HONOURED, EFFORTS, otherwise=Tier.IGNORED),
        "n": Rule(Tier.IGNORED, (1,), kind=Kind.COUNT),
        "logprobs": Rule(Tier.IGNORED, (False,), kind=Kind.BOOLEAN),
        "response_format": Rule(Tier.IGNORED, ({"type": "text"},), kind=Kind.OBJECT),
        "modalities": Rule(Tier.IGNORED, (["text"],), kind=Kind.LIST),
        "temperature": IGNORED,
        "top_p": IGNORED,
        "max_tokens": IGNORED,
        "max_completion_tokens": IGNORED,
        "stop": IGNORED,
        "seed": IGNORED,
        "frequency_penalty": IGNORED,
        "presence_penalty": IGNORED,
        "user": IGNORED,
        "store": IGNORED,
        "metadata": IGNORED,
        "service_tier": IGNORED,
        "parallel_tool_calls": IGNORED,
        "verbosity": IGNORED,
        "prompt_cache_key": IGNORED,
        "safety_identifier": IGNORED,
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
        f"Claude Code mode does not support '{name}': remove it, or send X-Claude-Code: false "
        "to pass the request through to an upstream that has it, or call the Claude API itself.",
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
            rule = self.rules.get(name, IGNORED)
            if not rule.is_valid(value):
                raise InvalidRequestError(f"'{name}' must be {rule.kind.value}.", param=name)
            tiers[name] = rule.tier_of(value)
        for name, tier in tiers.items():
            if tier is Tier.REFUSED:
                raise unsupported(name)
        ignored = tuple(name for name, tier in tiers.items() if tier is Tier.IGNORED)
        effort = params.get("reasoning_effort")
        return Screening(ignored, Effort(effort) if effort in EFFORTS else None)
