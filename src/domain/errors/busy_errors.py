"""Errors of requests that are valid, but cannot be served now."""

from typing import Unpack

from modegate.domain.errors.gateway_error import Details, GatewayError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.quota import Quota

# Seconds until another process usually serves the address.
RESTART_S = 1.0


class BusyError(GatewayError):
    """The request is valid, but cannot be served now; a later retry may succeed."""

    code = "capacity_exceeded"


class ShuttingDownError(BusyError):
    """The gateway is shutting down."""

    code = "server_shutting_down"

    def __init__(self, problem: str | None = None, **details: Unpack[Details]) -> None:
        if problem is None:
            problem = "The server is shutting down."
            details.setdefault("remedies", (Remedy.RETRY_SOON,))
        details.setdefault("retry_after", RESTART_S)
        super().__init__(problem, **details)


class SessionBusyError(BusyError):
    """Another request is using the session."""

    code = "session_busy"

    def __init__(self, problem: str | None = None, **details: Unpack[Details]) -> None:
        if problem is None:
            problem = "Another request is using this session."
            details.setdefault("remedies", (Remedy.WAIT_FOR_ANSWER, Remedy.START_NEW_SESSION))
        details.setdefault("param", Input.SESSION_ID)
        super().__init__(problem, **details)


class RateLimitError(BusyError):
    """The client exceeded a rate or concurrency limit; `quota` is of that limit, if known."""

    code = "rate_limit_exceeded"

    def __init__(
        self, problem: str, *, quota: Quota | None = None, **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.quota = quota


class BudgetExceededError(BusyError):
    """A budget has too little left; `retry_after` is the time until its window ends."""

    code = "budget_exceeded"
    is_repeatable = False


class CredentialsCoolingError(BusyError):
    """Every credential of the upstream is cooling down; `retry_after` is the soonest end."""

    code = "no_credentials_available"


class CapacityError(BusyError):
    """No process slot became available within the queue timeout."""

    code = "capacity_exceeded"
