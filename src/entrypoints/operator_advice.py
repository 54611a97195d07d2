"""What the operator can do about an error: the same settings and commands in every entry point."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.errors import Remedy

OPERATOR_ADVICE: Mapping[Remedy, str] = MappingProxyType(
    {
        Remedy.CHANGE_KEY: "allow it in the rules of the key",
        Remedy.ENABLE_PASSTHROUGH: "set OPENAI_PASSTHROUGH_ENABLED=true",
        Remedy.ENABLE_CREDENTIAL: "enable one with modegate credentials enable, or replace its key",
        Remedy.SET_UPSTREAM_KEY: "set OPENAI_API_KEY",
        Remedy.RAISE_BUDGET: "raise the budget",
        Remedy.SET_PRICE: "set a price under [prices] or BUDGET_UNKNOWN_PRICE=allow",
        Remedy.SHARE_UPSTREAM_STATE: "set UPSTREAM_SHARED_STATE=true to let all clients share it",
        Remedy.CHECK_UPSTREAM_ADDRESS: "check where OPENAI_BASE_URL leads",
        Remedy.CHECK_UPSTREAM_CONNECTION: "check OPENAI_BASE_URL and the network",
        Remedy.CORRECT_UPSTREAM_ADDRESS: "set OPENAI_BASE_URL to the address it leads to, which "
        "the server's log says; often https:// or /v1 is missing",
        Remedy.CHANGE_UPSTREAM_PROXY: "name one that begins with http:// or https:// in "
        "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or unset these",
        Remedy.INSTALL_CLAUDE: "install it, or set CLAUDE_PATH",
        Remedy.CHECK_CLAUDE_CREDENTIALS: "check ANTHROPIC_API_KEY, or log in with the claude CLI",
        Remedy.CHECK_CLAUDE_CONNECTION: "check its version, proxy and certificates with modegate "
        "doctor --live",
        Remedy.CHECK_OPEN_FILES: "check the limit of open files and the folder MODEGATE_STATE_DIR "
        "if that does not help",
        Remedy.CHECK_STATE_FOLDER: "check the folder MODEGATE_STATE_DIR and its disk",
        Remedy.CHECK_LEDGER: "check the database in MODEGATE_LEDGER, as the server's log says",
        Remedy.CHANGE_LEDGER: "use the later version of modegate that made it, or another database "
        "in MODEGATE_LEDGER",
        Remedy.FREE_DISK_SPACE: "free space on the disk of the folder MODEGATE_STATE_DIR",
        Remedy.USE_LATER_VERSION: "use the later version of modegate that wrote them, or another "
        "MODEGATE_STATE_DIR",
        Remedy.CHECK_STORE: "check that the server in MODEGATE_STORE runs and can be reached if that "
        "does not help",
        Remedy.CHECK_STORE_PERMISSIONS: "check the permissions of the user in MODEGATE_STORE",
        Remedy.ENLARGE_STORE: "raise maxmemory of the server in MODEGATE_STORE",
        Remedy.UPDATE_STORE: "name Redis 7 or Valkey in MODEGATE_STORE",
        Remedy.CHECK_ARCHIVE: "check MODEGATE_TRANSCRIPTS, as the server's log says, if that does not "
        "help",
    }
)


def own_upstream_advice(place: str) -> str:
    """Returns what to do about a setting with the gateway's own address."""
    if place != "OPENAI_BASE_URL":
        return "name the upstream's"
    return (
        "unset OPENAI_BASE_URL where the gateway starts, and OPENAI_API_KEY where it was set for a "
        "client; or name the upstream's"
    )


def own_upstream_fault(place: str) -> str:
    """Returns the error for a setting with the gateway's own address."""
    return f"{place} is the address of this gateway itself: {own_upstream_advice(place)}"
