"""The words of the Python API for remedies and inputs: arguments and settings."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.errors import GENERAL, Input, Remedy, Wording
from modegate.entrypoints.operator_advice import OPERATOR_ADVICE

NOT_HERE = ""

WORDS: Mapping[Remedy, str] = MappingProxyType(
    {
        **GENERAL,
        **OPERATOR_ADVICE,
        Remedy.SLOW_DOWN: "send them more slowly, and this one again in {seconds} s",
        Remedy.CHOOSE_MODEL: "choose another model=",
        Remedy.CHOOSE_LISTED_MODEL: "choose one of these as model=",
        Remedy.CHOOSE_CLAUDE_MODEL: 'choose another model=, such as "sonnet"',
        Remedy.OMIT_UPSTREAM_MODELS: NOT_HERE,
        Remedy.USE_CLAUDE_CODE: 'pass mode="claude-code"',
        Remedy.USE_PASSTHROUGH: 'pass mode="openai-passthrough"',
        Remedy.OMIT_MODE: 'pass mode="openai-passthrough"',
        Remedy.START_NEW_SESSION: "leave out session= to begin a new one",
        Remedy.COPY_SESSION_ID: "pass the session_id of an earlier answer as session=",
        Remedy.LIST_SESSIONS: NOT_HERE,
        Remedy.LIST_CREDENTIALS: NOT_HERE,
        Remedy.LIST_KEYS: NOT_HERE,
        Remedy.CREATE_KEY: NOT_HERE,
        Remedy.CHANGE_SETTINGS: "change the settings",
        Remedy.SEND_KEY: NOT_HERE,
        Remedy.SEND_ADMIN_KEY: NOT_HERE,
        Remedy.ASK_FOR_KEY: NOT_HERE,
        Remedy.SEND_UPSTREAM_KEY: NOT_HERE,
        Remedy.OMIT_UPSTREAM_KEY: NOT_HERE,
    }
)

ARGUMENTS = Wording(
    words=WORDS,
    required="{}",
    optional="{}",
    inputs=MappingProxyType({Input.MODE: "mode", Input.SESSION_ID: "session"}),
)
"""For calls of `Gateway`."""
