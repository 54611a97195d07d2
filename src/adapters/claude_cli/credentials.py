"""What is known of Claude's credentials, from the configuration and from the last turn."""

import time
from pathlib import Path

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.health import CredentialState

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
# A refusal is forgotten after this time, for somebody may have logged in again since.
REFUSAL_COUNTS = 60.0


class Credentials:
    """Remembers whether the last turn was turned away for its credentials."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._environment = options.environment
        self._refused_at: float | None = None

    @property
    def state(self) -> CredentialState:
        """Their state at this moment."""
        if self._refused_at is not None and time.monotonic() - self._refused_at < REFUSAL_COUNTS:
            return CredentialState.REFUSED
        if any(self._environment.get(key) for key in KEYS):
            return CredentialState.OK
        return CredentialState.LOGIN if self._has_login() else CredentialState.MISSING

    def refused(self) -> None:
        """A turn was turned away."""
        self._refused_at = time.monotonic()

    def accepted(self) -> None:
        """A turn was let in."""
        self._refused_at = None

    def _has_login(self) -> bool:
        if self._environment.get("CLAUDE_CODE_OAUTH_TOKEN"):
            return True
        home = Path(self._environment.get("HOME") or "/tmp")  # noqa: S108 - the children's too
        config = Path(self._environment.get("CLAUDE_CONFIG_DIR") or home / ".claude")
        return (config / ".credentials.json").is_file()
