"""The banner and log lines at start-up."""

import logging
from collections.abc import Sequence

from modegate.domain.health import (
    ClaudeHealth,
    CredentialState,
    Health,
    PassthroughState,
    StorageState,
)
from modegate.domain.routing.route import CLAUDE
from modegate.domain.routing.upstream import OPENAI, Upstream
from modegate.entrypoints.cli.program_name import command_name
from modegate.entrypoints.config.upstreams.checks import FROM_ENVIRONMENT
from modegate.lazy_dataclass import dataclass

log = logging.getLogger(__name__)

NO_EXECUTABLE = "no executable; install claude-agent-sdk, or set CLAUDE_PATH"
NO_STORAGE = "sessions cannot be kept; check MODEGATE_STATE_DIR and its disk"
SIMULATED = "SIMULATED: no model is asked"


@dataclass(frozen=True, slots=True)
class StartupReport:
    """The address of the gateway, and the state of each backend with advice.

    `upstreams` are listed with their masked keys, unless the variables for `openai` describe all.
    """

    version: str
    url: str
    health: Health
    keys: int
    offline: bool = False
    upstreams: Sequence[Upstream] = ()

    def log(self) -> None:
        """Logs one line per fact, for programs that read the log."""
        log.info("modegate listens on %s", self.url)
        if self.offline:
            log.warning(SIMULATED)
        for what, state in self._states():
            log.info("%s: %s", what.strip(), state)

    def banner(self) -> str:
        """Returns all facts as text, for users at a terminal."""
        rows = "\n".join(f"  {what:15} {state}" for what, state in self._states())
        simulated = f"  {SIMULATED}\n" if self.offline else ""
        return (
            f"modegate {self.version} at {self.url}\n{simulated}{rows}\n"
            f'  Try it in another terminal:\n    {command_name()} chat "Hello?"\n  (Ctrl-C ends it)'
        )

    def _states(self) -> tuple[tuple[str, str], ...]:
        return (
            ("authentication", _authentication(self.keys)),
            ("passthrough", _passthrough(self.health)),
            *((f"  {it.name}", describe(it)) for it in self.upstreams if not is_plain(it)),
            ("claude code", _claude(self.health.answering[CLAUDE], self.health.storage)),
        )


def url_of(host: str, port: int) -> str:
    """Returns the URL of an HTTP server."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_plain(upstream: Upstream) -> bool:
    """Whether it is the upstream of the variables `OPENAI_…`, with at most one key."""
    return upstream.name == OPENAI and all(it.id == FROM_ENVIRONMENT for it in upstream.credentials)


def describe(upstream: Upstream) -> str:
    """Returns an upstream's address, strategy and credentials, with masked keys."""
    keys = ", ".join(f"{it.id} {it.key}" for it in upstream.credentials)
    return f"{upstream.base_url}, {upstream.strategy.value}: {keys}"


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: `1 key`, `2 keys`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _authentication(keys: int) -> str:
    return counted(keys, "key") if keys else "off; set API_KEY to enable it"


def _passthrough(health: Health) -> str:
    may_bring_keys = any(it.accepts_client_keys for it in health.upstreams.values())
    return {
        PassthroughState.OK: "ready",
        PassthroughState.DISABLED: "off; set OPENAI_PASSTHROUGH_ENABLED=true to enable it",
        PassthroughState.NO_KEY: "no key; set OPENAI_API_KEY"
        + (", or send X-OpenAI-API-Key" if may_bring_keys else ""),
    }[health.passthrough]


def _claude(claude: ClaudeHealth, storage: StorageState) -> str:
    if not claude.executable:
        return NO_EXECUTABLE
    if claude.can_work and storage is StorageState.ERROR:
        return NO_STORAGE
    return {
        CredentialState.OK: "ready, with a key",
        CredentialState.LOGIN: "ready, with a login",
        CredentialState.MISSING: "no credentials; set ANTHROPIC_API_KEY, or log in with `claude`",
        CredentialState.REFUSED: "credentials refused",
    }[claude.credentials]
