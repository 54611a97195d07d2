"""The credential of Claude Code: a login or a key that the CLI finds by itself."""

from types import TracebackType

from modegate.application.credentials.states import CredentialStates
from modegate.application.ports.backend_status import BackendStatus
from modegate.application.ports.clock import Clock
from modegate.domain.credentials.quota_windows import QuotaWindows
from modegate.domain.credentials.state import CredentialState, CredentialStatus
from modegate.domain.errors import BackendError, BackendUnavailableError
from modegate.domain.errors.catalogue import credentials as errors
from modegate.domain.health import CredentialState as LoginState
from modegate.domain.routing.route import CLAUDE
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True)
class ClaudeCredential:
    """Can be disabled, and records the outcome of turns. It never cools down: it is the only one.

    `label` is the masked key, None if it is not known here; a reload may change it.
    """

    states: CredentialStates
    backend: BackendStatus
    clock: Clock
    label: str | None = None

    @property
    def state(self) -> CredentialState:
        """The state under the id `CLAUDE`."""
        return self.states.named(CLAUDE)

    @property
    def login(self) -> LoginState:
        """The state of the login, as the last turn left it."""
        return self.backend.status().credentials

    @property
    def windows(self) -> QuotaWindows | None:
        """The quota windows of the login's account; None if none are known."""
        return self.backend.status().windows

    @property
    def status(self) -> CredentialStatus:
        """The status; `UNKNOWN` before the first outcome."""
        state = self.state
        if not state.enabled:
            return CredentialStatus.DISABLED
        if state.last_ok_at is None and state.last_error is None:
            return CredentialStatus.UNKNOWN
        return CredentialStatus.READY

    async def check(self) -> None:
        """Checks that turns may use the credential.

        Raises:
            NoCredentialsError: an operator has disabled it.
        """
        if not self.states.is_loaded:
            await self.states.load()
        if not self.state.enabled:
            raise errors.claude_disabled()

    def attempt(self) -> "ClaudeAttempt":
        """Returns the context of an attempt, whose outcome is recorded."""
        return ClaudeAttempt(self)


@dataclass(frozen=True, slots=True)
class ClaudeAttempt:
    """Records a good answer, or the backend's error; a cancellation says nothing."""

    credential: ClaudeCredential

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        credential = self.credential
        if error is None:
            credential.state.succeed(credential.clock.now())
        elif isinstance(error, BackendError | BackendUnavailableError):
            credential.state.fail(None, error.code, credential.clock.now())
        else:
            return
        credential.states.note(CLAUDE, urgent=False)
