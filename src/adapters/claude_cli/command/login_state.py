"""The state of Claude's credentials, from the configuration and the last turn."""

from collections.abc import Mapping
from pathlib import Path

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.health import CredentialState

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class LoginState:
    """Records whether Claude refused the credentials of the last turn.

    The record is cleared when a turn is accepted, or when the login file changes.
    """

    def __init__(self, options: ClaudeOptions) -> None:
        self._environment = options.environment
        self._refused: int | None = None  # mtime (ns) of the refused login

    @property
    def state(self) -> CredentialState:
        """The credentials' current state."""
        if self._refused is not None and self._refused == self._login_changed_at():
            return CredentialState.REFUSED
        if any(self._environment.get(key) for key in KEYS):
            return CredentialState.OK
        return CredentialState.LOGIN if self._has_login() else CredentialState.MISSING

    def reconfigure(self, options: ClaudeOptions) -> None:
        """Uses other credentials from now on; the record of a refusal was about the old ones."""
        if options.environment != self._environment:
            self._environment = options.environment
            self._refused = None

    def refused(self) -> None:
        """Records that Claude refused the credentials."""
        self._refused = self._login_changed_at()

    def accepted(self) -> None:
        """Records that Claude accepted the credentials."""
        self._refused = None

    def _has_login(self) -> bool:
        return bool(self._environment.get("CLAUDE_CODE_OAUTH_TOKEN") or self._login_changed_at())

    def _login_changed_at(self) -> int:
        return login_changed_at(self._environment)


def login_changed_at(environment: Mapping[str, str]) -> int:
    """Returns the modification time of the login file in nanoseconds; 0 if there is none."""
    home = Path(environment.get("HOME") or "/tmp")  # noqa: S108 - same default as for children
    config = Path(environment.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    try:
        return (config / ".credentials.json").stat().st_mtime_ns
    except OSError:
        return 0
