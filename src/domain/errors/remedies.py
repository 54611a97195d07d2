"""What a client or the operator can do about an error, and the inputs that have other names."""

from enum import StrEnum, auto


class Input(StrEnum):
    """Inputs that each entry point names in its own way; a field of the body keeps its name."""

    MODE = auto()
    SESSION_ID = auto()
    UPSTREAM_KEY = auto()


class Remedy(StrEnum):
    """An action that may resolve an error; each `Wording` has words for all of them."""

    RETRY = auto()
    RETRY_SOON = auto()
    RETRY_LATER = auto()
    RETRY_AFTER = auto()  # in `retry_after` seconds
    RETRY_AT_COST = auto()
    SLOW_DOWN = auto()
    WAIT_FOR_ANSWER = auto()
    WAIT_FOR_ANOTHER = auto()

    ASK_FOR_LESS = auto()
    ASK_FOR_SHORTER_ANSWER = auto()
    ASK_WITH_STREAM = auto()
    ASK_WITHOUT_STREAM = auto()
    REPHRASE = auto()
    CHECK_MESSAGES = auto()
    SHORTEN_MESSAGES = auto()
    LOWER_EFFORT = auto()
    REMOVE_PARAMETER = auto()
    CALL_CLAUDE_API = auto()
    CHOOSE_MODEL = auto()
    CHOOSE_LISTED_MODEL = auto()
    CHOOSE_CLAUDE_MODEL = auto()
    OMIT_UPSTREAM_MODELS = auto()

    USE_CLAUDE_CODE = auto()
    USE_PASSTHROUGH = auto()
    OMIT_MODE = auto()
    START_NEW_SESSION = auto()
    COPY_SESSION_ID = auto()
    LIST_SESSIONS = auto()
    LIST_CREDENTIALS = auto()
    LIST_KEYS = auto()
    CREATE_KEY = auto()
    CHANGE_SETTINGS = auto()
    SEND_KEY = auto()
    SEND_ADMIN_KEY = auto()
    ASK_FOR_KEY = auto()
    SEND_UPSTREAM_KEY = auto()
    OMIT_UPSTREAM_KEY = auto()
    USE_HTTP = auto()

    READ_LOG = auto()
    CHANGE_KEY = auto()
    ENABLE_PASSTHROUGH = auto()
    ENABLE_CREDENTIAL = auto()
    SET_UPSTREAM_KEY = auto()
    SHARE_UPSTREAM_STATE = auto()
    RAISE_BUDGET = auto()
    SET_PRICE = auto()
    CHECK_UPSTREAM = auto()
    CHECK_UPSTREAM_ADDRESS = auto()
    CHECK_UPSTREAM_CONNECTION = auto()
    CORRECT_UPSTREAM_ADDRESS = auto()
    CHANGE_UPSTREAM_PROXY = auto()
    INSTALL_CLAUDE = auto()
    CHECK_CLAUDE_CREDENTIALS = auto()
    CHECK_CLAUDE_ACCOUNT = auto()
    CHECK_CLAUDE_CONNECTION = auto()
    CHECK_OPEN_FILES = auto()
    CHECK_STATE_FOLDER = auto()
    CHECK_LEDGER = auto()
    CHANGE_LEDGER = auto()
    FREE_DISK_SPACE = auto()
    USE_LATER_VERSION = auto()
    CHECK_STORE = auto()
    CHECK_STORE_PERMISSIONS = auto()
    ENLARGE_STORE = auto()
    UPDATE_STORE = auto()
    CHECK_ARCHIVE = auto()


NOTES = frozenset({Remedy.READ_LOG})
"""What is no action, but a place to look."""

OPTIONAL_FOR_OPERATOR = frozenset(
    {
        Remedy.CHANGE_KEY,
        Remedy.ENABLE_PASSTHROUGH,
        Remedy.SET_UPSTREAM_KEY,
        Remedy.SHARE_UPSTREAM_STATE,
        Remedy.RAISE_BUDGET,
        Remedy.SET_PRICE,
        Remedy.CHECK_UPSTREAM,
    }
)
"""Actions of the operator that help; a client may have another way."""

REQUIRED_OF_OPERATOR = frozenset(
    {
        Remedy.ENABLE_CREDENTIAL,
        Remedy.CHECK_UPSTREAM_ADDRESS,
        Remedy.CHECK_UPSTREAM_CONNECTION,
        Remedy.CORRECT_UPSTREAM_ADDRESS,
        Remedy.CHANGE_UPSTREAM_PROXY,
        Remedy.INSTALL_CLAUDE,
        Remedy.CHECK_CLAUDE_CREDENTIALS,
        Remedy.CHECK_CLAUDE_ACCOUNT,
        Remedy.CHECK_CLAUDE_CONNECTION,
        Remedy.CHECK_OPEN_FILES,
        Remedy.CHECK_STATE_FOLDER,
        Remedy.CHECK_LEDGER,
        Remedy.CHANGE_LEDGER,
        Remedy.FREE_DISK_SPACE,
        Remedy.USE_LATER_VERSION,
        Remedy.CHECK_STORE,
        Remedy.CHECK_STORE_PERMISSIONS,
        Remedy.ENLARGE_STORE,
        Remedy.UPDATE_STORE,
        Remedy.CHECK_ARCHIVE,
    }
)
"""Actions of the operator without which the error remains."""
