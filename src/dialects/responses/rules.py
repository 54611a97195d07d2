"""What Claude Code mode does with each parameter of a request for a response."""

from modegate.domain.parameters.kinds import Kind
from modegate.domain.parameters.param_policy import HONOURED, ParamPolicy, Rule, Tier, ignored

OFF = False
TEXTS = ("user", "prompt_cache_key", "safety_identifier", "service_tier")
NAMES = (
    "model",
    "input",
    "instructions",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "max_output_tokens",
    "metadata",
    "include",
    "store",
    "previous_response_id",
    "conversation",
)
# Parameters without a rule are ignored and named: the list changes with each release of a client.
POLICY = ParamPolicy(
    dict.fromkeys(NAMES, HONOURED)
    | {
        "truncation": Rule(Tier.HONOURED, ("disabled",), otherwise=Tier.IGNORED),
        "temperature": ignored(Kind.TEMPERATURE),
        "top_p": ignored(Kind.SHARE),
        "top_logprobs": ignored(Kind.NATURAL),
        "max_tool_calls": ignored(Kind.COUNT),
        "stream_options": ignored(Kind.OBJECT),
    }
    | dict.fromkeys(TEXTS, ignored(Kind.TEXT))
    | {
        "background": Rule(Tier.REFUSED, neutral=(OFF, None)),
        "prompt": Rule(Tier.REFUSED),
    }
)
