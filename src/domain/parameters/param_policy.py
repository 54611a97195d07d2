"""The rules by which Claude Code honours, ignores or rejects each request parameter."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from types import MappingProxyType

from modegate.domain.errors.catalogue import parameters
from modegate.domain.parameters.json_patterns import EMPTY, ListOf, ObjectOf, is_empty, matches
from modegate.domain.parameters.kinds import CHECKS, Kind
from modegate.lazy_dataclass import dataclass


class Tier(Enum):
    """How a parameter is handled."""

    HONOURED = 1
    IGNORED = 2
    REFUSED = 3


class Effort(Enum):
    """How much the model reasons: `NONE` at all, or a value of the CLI's option `--effort`."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


# The values of `reasoning_effort`; the CLI has nothing below `low` but no reasoning.
EFFORTS: Mapping[str, Effort] = MappingProxyType(
    {effort.value: effort for effort in Effort} | {"minimal": Effort.LOW}
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A parameter's tier; if `only` lists values, all other values have the tier `otherwise`.

    A value that matches a pattern in `neutral` requests nothing, so it is ignored, not rejected. A
    value that is neither empty nor of its `kind` is invalid in every mode.
    """

    tier: Tier
    only: tuple[object, ...] = ()
    otherwise: Tier = Tier.REFUSED
    kind: Kind = Kind.ANY
    neutral: tuple[object, ...] = (EMPTY,)

    def is_valid(self, value: object) -> bool:
        """Returns whether the value may be valid in some mode."""
        return CHECKS[self.kind](value) or is_empty(value)

    def tier_of(self, value: object) -> Tier:
        """Returns the tier of one value."""
        applies = not self.only or any(matches(value, wanted) for wanted in self.only)
        tier = self.tier if applies else self.otherwise
        asks = tier is not Tier.REFUSED or not any(matches(value, it) for it in self.neutral)
        return tier if asks else Tier.IGNORED


HONOURED = Rule(Tier.HONOURED)
IGNORED = Rule(Tier.IGNORED)
OFF = False


def ignored(kind: Kind) -> Rule:
    """Returns a rule that ignores each value of a kind."""
    return Rule(Tier.IGNORED, kind=kind)


def _refused(*neutral: object, kind: Kind = Kind.ANY) -> Rule:
    """Returns a rule that rejects every value except neutral ones."""
    return Rule(Tier.REFUSED, kind=kind, neutral=(*neutral, EMPTY))


# Parameters without a rule are ignored, whether or not the API knows them: new client releases may
# add parameters.
CLAUDE_CODE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "model": HONOURED,
        "messages": HONOURED,
        "stream": HONOURED,
        "stream_options": HONOURED,
        "reasoning_effort": Rule(
            Tier.HONOURED, tuple(EFFORTS), otherwise=Tier.IGNORED, kind=Kind.TEXT
        ),
        "n": _refused(1, kind=Kind.COUNT),
        "logprobs": _refused(OFF, kind=Kind.BOOLEAN),
        "response_format": Rule(Tier.HONOURED, kind=Kind.OBJECT),
        "modalities": _refused(ListOf("text", EMPTY), kind=Kind.LIST),
        "temperature": ignored(Kind.TEMPERATURE),
        "top_p": ignored(Kind.SHARE),
        "max_tokens": Rule(Tier.HONOURED, kind=Kind.COUNT),
        "max_completion_tokens": Rule(Tier.HONOURED, kind=Kind.COUNT),
        "stop": Rule(Tier.HONOURED, kind=Kind.STOP),
        "seed": ignored(Kind.INTEGER),
        "frequency_penalty": ignored(Kind.PENALTY),
        "presence_penalty": ignored(Kind.PENALTY),
        "user": ignored(Kind.TEXT),
        "store": ignored(Kind.BOOLEAN),
        "metadata": ignored(Kind.OBJECT),
        "service_tier": ignored(Kind.TEXT),
        "parallel_tool_calls": Rule(Tier.HONOURED, kind=Kind.BOOLEAN),
        "verbosity": ignored(Kind.TEXT),
        "prompt_cache_key": ignored(Kind.TEXT),
        "safety_identifier": ignored(Kind.TEXT),
        "tools": HONOURED,
        "tool_choice": HONOURED,
        "functions": HONOURED,
        "function_call": HONOURED,
        "top_logprobs": _refused(0, OFF),
        "logit_bias": _refused(ObjectOf(0, EMPTY), OFF),
        "audio": _refused(OFF),
        "prediction": _refused(
            {"type": "content", "content": EMPTY},
            {"type": "content", "content": ListOf({"type": "text", "text": EMPTY}, EMPTY)},
            OFF,
        ),
        # An empty object requests a search with defaults (OpenAI's API, LiteLLM).
        "web_search_options": Rule(Tier.REFUSED, neutral=(None, "", [], OFF)),
    }
)
# The rules of a gateway whose operator offers no tools of clients to Claude Code.
WITHOUT_CLIENT_TOOLS: Mapping[str, Rule] = MappingProxyType(
    {
        **CLAUDE_CODE_RULES,
        "parallel_tool_calls": IGNORED,
        "tools": _refused(OFF),
        "tool_choice": _refused(
            "none",
            "auto",  # has no effect without `tools`
            OFF,
            {"type": "none"},
            {"type": "auto"},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}},
        ),
        "functions": _refused(OFF),
        "function_call": _refused("none", "auto", OFF),
    }
)


@dataclass(frozen=True, slots=True)
class Screening:
    """The result of a screening: the ignored parameters in request order, and the effort."""

    ignored: tuple[str, ...]
    effort: Effort | None


@dataclass(frozen=True, slots=True)
class ParamPolicy:
    """The table of rules; a null value counts as absent."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: CLAUDE_CODE_RULES)

    @property
    def rejects_tools(self) -> bool:
        """Whether the operator offers no tools of clients to the model, in every dialect."""
        rule = self.rules.get("tools")
        return rule is not None and rule.tier is Tier.REFUSED

    def screen(self, params: Mapping[str, object]) -> Screening:
        """Applies the rules to the parameters of one request.

        Raises:
            InvalidRequestError: if a value is invalid in every mode; `param` is its name.
            UnsupportedParameterError: if a parameter is rejected; `param` is its name.
        """
        tiers = {}
        for name, value in params.items():
            if value is None:
                continue
            rule = self.rules.get(name, IGNORED)
            if not rule.is_valid(value):
                raise parameters.wrong_type(name, rule.kind.value)
            tiers[name] = rule.tier_of(value)
        for name, tier in tiers.items():
            if tier is Tier.REFUSED:
                raise parameters.unsupported(name)
        ignored = tuple(name for name, tier in tiers.items() if tier is Tier.IGNORED)
        effort = params.get("reasoning_effort")
        return Screening(ignored, EFFORTS.get(effort) if isinstance(effort, str) else None)
