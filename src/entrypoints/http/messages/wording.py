"""The words of HTTP for remedies and inputs: headers, paths and the operator's settings."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.errors import GENERAL, Input, Remedy, Wording
from modegate.entrypoints.operator_advice import OPERATOR_ADVICE

NOT_HERE = ""
HINT = "X-Modegate-Hint"

WORDS: Mapping[Remedy, str] = MappingProxyType(
    {
        **GENERAL,
        **OPERATOR_ADVICE,
        Remedy.SLOW_DOWN: "send them more slowly, and this one again after Retry-After",
        Remedy.CHOOSE_MODEL: "choose another model",
        Remedy.CHOOSE_LISTED_MODEL: "choose one of these",
        Remedy.CHOOSE_CLAUDE_MODEL: "choose another one, such as sonnet",
        Remedy.OMIT_UPSTREAM_MODELS: "ask without include=upstream",
        Remedy.USE_CLAUDE_CODE: "send X-Claude-Code: true to be answered by Claude Code",
        Remedy.USE_PASSTHROUGH: "send X-Claude-Code: false to pass the request through to the "
        "upstream",
        Remedy.OMIT_MODE: "leave out X-Claude-Code for passthrough",
        Remedy.START_NEW_SESSION: "leave out X-Claude-Session-ID and send X-Claude-Code: true to "
        "begin a new session",
        Remedy.COPY_SESSION_ID: "copy it from the header of an earlier response",
        Remedy.LIST_SESSIONS: NOT_HERE,
        Remedy.LIST_CREDENTIALS: "GET /admin/credentials lists them",
        Remedy.LIST_KEYS: "GET /admin/keys lists them",
        Remedy.CREATE_KEY: "make another one with POST /admin/keys",
        Remedy.CHANGE_SETTINGS: "change API_KEY, API_KEYS or the key's table in the file",
        Remedy.SEND_KEY: "send Authorization: Bearer YOUR_KEY, as the OpenAI SDKs do with api_key "
        "or OPENAI_API_KEY",
        Remedy.SEND_ADMIN_KEY: "send ADMIN_KEY as Authorization: Bearer KEY, or as x-api-key",
        Remedy.ASK_FOR_KEY: "ask its operator for one, and send Authorization: Bearer YOUR_KEY; a "
        "key for the upstream goes into X-OpenAI-API-Key",
        Remedy.SEND_UPSTREAM_KEY: "send your own in X-OpenAI-API-Key where the server allows it",
        Remedy.OMIT_UPSTREAM_KEY: "leave out X-OpenAI-API-Key to use the server's key",
    }
)

HEADERS = Wording(
    words=WORDS,
    inputs=MappingProxyType(
        {
            Input.MODE: "X-Claude-Code",
            Input.SESSION_ID: "X-Claude-Session-ID",
            Input.UPSTREAM_KEY: "X-OpenAI-API-Key",
        }
    ),
)
"""For requests whose inputs are headers."""

IN_PATH = "session_id"
PATH = Wording(
    words=MappingProxyType(
        {
            **WORDS,
            Remedy.LIST_SESSIONS: "GET /v1/sessions lists yours",
            Remedy.COPY_SESSION_ID: NOT_HERE,
            Remedy.START_NEW_SESSION: NOT_HERE,
        }
    ),
    inputs=MappingProxyType({**HEADERS.inputs, Input.SESSION_ID: IN_PATH}),
)
"""For requests with the session's id in their path."""
