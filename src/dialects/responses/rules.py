"""What Claude Code mode does with each parameter of a request for a response."""

from modegate.domain.parameters.param_policy import HONOURED, IGNORED, ParamPolicy, Rule, Tier

OFF = False
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
        "temperature": IGNORED,
        "background": Rule(Tier.REFUSED, neutral=(OFF, None)),
        "prompt": Rule(Tier.REFUSED),
    }
)
