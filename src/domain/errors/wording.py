"""The words of an entry point for remedies and inputs; the domain's own name no entry point."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType

from modegate.domain.errors.remedies import (
    NOTES,
    OPTIONAL_FOR_OPERATOR,
    REQUIRED_OF_OPERATOR,
    Input,
    Remedy,
)
from modegate.lazy_dataclass import dataclass

GENERAL: Mapping[Remedy, str] = MappingProxyType(
    {
        Remedy.RETRY: "send the request again",
        Remedy.RETRY_SOON: "send the request again in a moment",
        Remedy.RETRY_LATER: "send the request again later",
        Remedy.RETRY_AFTER: "send the request again in {seconds} s",
        Remedy.RETRY_AT_COST: "send the request again if you accept a second charge",
        Remedy.WAIT_FOR_ANSWER: "wait for its answer",
        Remedy.WAIT_FOR_ANOTHER: "wait for one to finish, then send the request again",
        Remedy.ASK_FOR_LESS: "ask for less",
        Remedy.ASK_FOR_SHORTER_ANSWER: "ask for a shorter answer",
        Remedy.ASK_WITH_STREAM: "ask for it with stream",
        Remedy.ASK_WITHOUT_STREAM: "ask for it without stream",
        Remedy.REPHRASE: "rephrase the request",
        Remedy.CHECK_MESSAGES: "check the messages",
        Remedy.SHORTEN_MESSAGES: "shorten the messages",
        Remedy.LOWER_EFFORT: "lower reasoning_effort",
        Remedy.REMOVE_PARAMETER: "remove it",
        Remedy.CALL_CLAUDE_API: "call the Claude API itself",
        Remedy.READ_LOG: "the server's log says more",
        Remedy.USE_HTTP: "send the request over HTTP",
        Remedy.CHECK_UPSTREAM: "check the upstream",
        Remedy.CHECK_CLAUDE_ACCOUNT: "check its permissions, its billing and its region",
    }
)
"""The words that are the same everywhere."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for every remedy; empty words leave a remedy out where it does not apply.

    `required` and `optional` introduce what only the operator can do. `{seconds}` stands for the
    time until a retry. `inputs` are the names of inputs; any other input keeps its name.
    """

    words: Mapping[Remedy, str]
    required: str = "the operator has to {}"
    optional: str = "the operator can {}"
    inputs: Mapping[Input, str] = field(default_factory=dict)

    def sentence(self, problem: str, remedies: Iterable[Remedy], retry_after: float | None) -> str:
        """Returns what was wrong, then what to do; `retry_after` is in seconds."""
        seconds = max(1, math.ceil(retry_after or 0))
        told = {it: self.words[it].format(seconds=seconds) for it in remedies}
        parts = (
            ("{}", told.keys() - REQUIRED_OF_OPERATOR - OPTIONAL_FOR_OPERATOR - NOTES),
            (self.required, REQUIRED_OF_OPERATOR),
            (self.optional, OPTIONAL_FOR_OPERATOR),
            ("{}", NOTES),
        )
        advice = "; ".join(
            introduction.format(", or ".join(alternatives))
            for introduction, kind in parts
            if (alternatives := [words for it, words in told.items() if it in kind and words])
        )
        return f"{problem.removesuffix('.')}: {advice}." if advice else problem

    def name(self, param: str | None) -> str | None:
        """Returns the name of an input here."""
        return self.inputs.get(param, param) if isinstance(param, Input) else param


NEUTRAL = Wording(
    MappingProxyType(
        {
            **GENERAL,
            Remedy.SLOW_DOWN: "send them more slowly, and this one again in {seconds} s",
            Remedy.CHOOSE_MODEL: "choose another model",
            Remedy.CHOOSE_LISTED_MODEL: "choose one of these",
            Remedy.CHOOSE_CLAUDE_MODEL: "choose another one, such as sonnet",
            Remedy.OMIT_UPSTREAM_MODELS: "list the models without those of the upstream",
            Remedy.USE_CLAUDE_CODE: "use Claude Code",
            Remedy.USE_PASSTHROUGH: "use passthrough",
            Remedy.OMIT_MODE: "leave it out for passthrough",
            Remedy.START_NEW_SESSION: "begin a new session",
            Remedy.COPY_SESSION_ID: "copy it from an earlier answer",
            Remedy.LIST_SESSIONS: "choose one of the active sessions",
            Remedy.LIST_CREDENTIALS: "choose one of the configured credentials",
            Remedy.LIST_KEYS: "choose one of the known keys",
            Remedy.CREATE_KEY: "create another one",
            Remedy.CHANGE_SETTINGS: "change the settings",
            Remedy.CHANGE_KEY: "allow it in the rules of the key",
            Remedy.SEND_KEY: "send one of its keys",
            Remedy.SEND_ADMIN_KEY: "send one",
            Remedy.ASK_FOR_KEY: "ask its operator for one",
            Remedy.SEND_UPSTREAM_KEY: "send your own where the server allows it",
            Remedy.OMIT_UPSTREAM_KEY: "leave it out to use the server's key",
            Remedy.ENABLE_PASSTHROUGH: "enable it",
            Remedy.ENABLE_CREDENTIAL: "enable or replace one",
            Remedy.SET_UPSTREAM_KEY: "set one",
            Remedy.SHARE_UPSTREAM_STATE: "allow all clients to share what the upstream keeps",
            Remedy.RAISE_BUDGET: "raise the budget",
            Remedy.SET_PRICE: "set a price for it",
            Remedy.CHECK_UPSTREAM_ADDRESS: "check where the upstream's address leads",
            Remedy.CHECK_UPSTREAM_CONNECTION: "check the upstream's address and the network",
            Remedy.CORRECT_UPSTREAM_ADDRESS: "correct the upstream's address to the one that it "
            "leads to, which the server's log says; often https:// or /v1 is missing",
            Remedy.CHANGE_UPSTREAM_PROXY: "name one that begins with http:// or https://, or none",
            Remedy.INSTALL_CLAUDE: "install it, or set its path",
            Remedy.CHECK_CLAUDE_CREDENTIALS: "check the key, or log in with the claude CLI",
            Remedy.CHECK_CLAUDE_CONNECTION: "check its version, proxy and certificates",
            Remedy.CHECK_OPEN_FILES: "check the limit of open files and the state folder if that "
            "does not help",
            Remedy.CHECK_STATE_FOLDER: "check the state folder and its disk",
            Remedy.CHECK_LEDGER: "check the shared database",
            Remedy.CHANGE_LEDGER: "use the later version of modegate that made it, or another database",
            Remedy.FREE_DISK_SPACE: "free space on the disk of the state folder",
            Remedy.USE_LATER_VERSION: "use the later version of modegate that wrote them, or "
            "another state folder",
            Remedy.CHECK_STORE: "check that the store runs and can be reached if that does not help",
            Remedy.CHECK_STORE_PERMISSIONS: "check the permissions of its user",
            Remedy.ENLARGE_STORE: "give it more memory",
            Remedy.UPDATE_STORE: "use Redis 7 or Valkey",
            Remedy.CHECK_ARCHIVE: "check where transcripts are stored if that does not help",
        }
    )
)
"""The words for those who embed modegate."""
