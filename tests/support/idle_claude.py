"""A backend's status that never changes."""

from modegate.domain.credentials.quota_windows import QuotaWindows
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState


class IdleClaude:
    """Claude Code with its executable and a key, without any turn."""

    def __init__(self, credentials: CredentialState = CredentialState.OK) -> None:
        self.credentials = credentials
        self.windows: QuotaWindows | None = None

    def status(self) -> ClaudeHealth:
        """Returns the state."""
        capacity = Capacity(active=0, queued=0, warm=0, live=0, maximum=1)
        return ClaudeHealth(
            executable=True,
            credentials=self.credentials,
            capacity=capacity,
            windows=self.windows,
        )
