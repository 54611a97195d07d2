"""What is known of Claude's credentials, from the configuration and from the last turn."""

from collections.abc import Mapping
from pathlib import Path

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.health import CredentialState

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class LoginState:
    """Remembers whether the last turn was turned away for its credentials.

    That counts until a turn is let in, or until somebody has logged in again.
    """

    def __init__(self, options: ClaudeOptions) -> None:
        self._environment = options.environment
        self._refused: int | None = None  # when the login was written that was refused

    @property
    def state(self) -> CredentialState:
        """Their state at this moment."""
        if self._refused is not None and self._refused == self._login_changed_at():
            return CredentialState.REFUSED
        if any(self._environment.get(key) for key in KEYS):
            return CredentialState.OK
        return CredentialState.LOGIN if self._has_login() else CredentialState.MISSING

    def refused(self) -> None:
        """A turn was turned away."""
        self._refused = self._login_changed_at()

    def accepted(self) -> None:
        """A turn was let in."""
        self._refused = None

    def _has_login(self) -> bool:
        return bool(self._environment.get("CLAUDE_CODE_OAUTH_TOKEN") or self._login_changed_at())

    def _login_changed_at(self) -> int:
        return login_changed_at(self._environment)


def login_changed_at(environment: Mapping[str, str]) -> int:
    """When the file of a login was written, in nanoseconds; 0 without one."""
    home = Path(environment.get("HOME") or "/tmp")  # noqa: S108 - the children's too
    config = Path(environment.get("CLAUDE_CONFIG_DIR") or home / ".claude")
    try:
        return (config / ".credentials.json").stat().st_mtime_ns
    except OSError:
        return 0
