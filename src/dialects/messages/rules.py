"""What Claude Code mode does with each parameter of a request for a message."""

from modegate.domain.parameters.kinds import Kind
from modegate.domain.parameters.param_policy import HONOURED, ParamPolicy, Rule, Tier, ignored

OFF = False
# Parameters without a rule are ignored and named: the list changes with each release of a client.
POLICY = ParamPolicy(
    {
        "model": HONOURED,
        "messages": HONOURED,
        "system": HONOURED,
        "stream": HONOURED,
        "max_tokens": HONOURED,
        "tools": HONOURED,
        "tool_choice": HONOURED,
        "thinking": HONOURED,
        "output_config": HONOURED,
        "stop_sequences": HONOURED,
        "metadata": ignored(Kind.OBJECT),
        "temperature": ignored(Kind.SHARE),
        "top_p": ignored(Kind.SHARE),
        "top_k": ignored(Kind.NATURAL),
        "service_tier": ignored(Kind.TEXT),
        # They run elsewhere, with tools that the CLI does not have.
        "container": Rule(Tier.REFUSED),
        "mcp_servers": Rule(Tier.REFUSED),
        "output_format": Rule(Tier.REFUSED),
        "thread": Rule(Tier.REFUSED, neutral=(OFF, None)),
    }
)
