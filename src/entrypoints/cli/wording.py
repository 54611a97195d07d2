"""The words of the command line for remedies: options and settings."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.errors import GENERAL, Remedy, Wording
from modegate.entrypoints.config.sources import CLIENT_KEY_VARIABLE
from modegate.entrypoints.operator_advice import OPERATOR_ADVICE

NO_OPTION = ""

OPTIONS: Mapping[Remedy, str] = MappingProxyType(
    {
        Remedy.SLOW_DOWN: "send them more slowly, and this one again in {seconds} s",
        Remedy.CHOOSE_MODEL: "choose another model with --model",
        Remedy.CHOOSE_LISTED_MODEL: "choose one of these with --model",
        Remedy.CHOOSE_CLAUDE_MODEL: "choose another one with --model, such as sonnet",
        Remedy.OMIT_UPSTREAM_MODELS: NO_OPTION,
        Remedy.USE_CLAUDE_CODE: "use Claude Code with --claude",
        Remedy.USE_PASSTHROUGH: "leave out --claude to use the upstream",
        Remedy.OMIT_MODE: "leave out --claude for passthrough",
        Remedy.START_NEW_SESSION: "leave out --session to start a new session",
        Remedy.COPY_SESSION_ID: "copy it again",
        Remedy.LIST_SESSIONS: NO_OPTION,
        Remedy.LIST_CREDENTIALS: NO_OPTION,
        Remedy.LIST_KEYS: NO_OPTION,
        Remedy.CREATE_KEY: NO_OPTION,
        Remedy.CHANGE_SETTINGS: NO_OPTION,
        Remedy.SEND_KEY: f"set {CLIENT_KEY_VARIABLE} to one of its API_KEYS",
        Remedy.SEND_ADMIN_KEY: "set ADMIN_KEY to the gateway's",
        Remedy.ASK_FOR_KEY: f"set {CLIENT_KEY_VARIABLE} to one of its API_KEYS",
        Remedy.SEND_UPSTREAM_KEY: NO_OPTION,
        Remedy.OMIT_UPSTREAM_KEY: NO_OPTION,
    }
)
OPERATOR = Wording(
    words=MappingProxyType({**GENERAL, **OPERATOR_ADVICE, **dict.fromkeys(OPTIONS, NO_OPTION)}),
    required="{}",
    optional="{}",
)
"""For commands that the operator runs beside the gateway, such as `doctor`."""

CLIENT = Wording(
    words=MappingProxyType({**GENERAL, **OPERATOR_ADVICE, **OPTIONS}),
    required="where the gateway runs, {}",
    optional="where the gateway runs, {}",
)
"""For commands that send requests to a gateway, such as `chat`."""
