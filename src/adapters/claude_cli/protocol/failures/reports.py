"""Decides which of the CLI's reports of a failure end the turn, without I/O."""

import time

from modegate.adapters.claude_cli.protocol.events import Event, child, text
from modegate.adapters.claude_cli.protocol.failures.retry_wait import OwnWaits, Patience
from modegate.adapters.claude_cli.protocol.failures.verdict import (
    Reported,
    finish_reason,
    is_forbidden,
)
from modegate.domain.answer.events import FinishReason
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code

UNAUTHORIZED = 401


class FailureReports:
    """Collects the reports of one turn, and bounds the CLI's own retries."""

    def __init__(self, patience: Patience) -> None:
        self._waits = OwnWaits(patience)
        self._reported = Reported()

    def note_limit(self, event: Event) -> None:
        """Records a `rate_limit_event`."""
        self._reported.note_limit(child(event, "rate_limit_info"), time.time())

    def of_retry(self, event: Event) -> GatewayError | None:
        """Records an `api_retry`; returns an error if the turn must not wait for it."""
        self._reported.note_retry(event)
        if self._waits.is_too_long(event):
            return self._reported.of_retry(event, time.time())
        return None

    def of_message(self, event: Event) -> GatewayError | None:
        """Records an error message; returns an error if it ends the turn at once.

        A failed authentication does, because the CLI may keep retrying. A 403 has the same name,
        but after it the CLI ends the turn by itself.
        """
        self._reported.note_error(event, time.time())
        if event.get("error") == "authentication_failed" and not is_forbidden(event):
            return claude_code.auth_failed()
        return None

    def of_result(
        self, result: Event, stop_reason: str | None, *, has_text: bool
    ) -> FinishReason | GatewayError:
        """Returns how the CLI's result ends the turn."""
        if result.get("is_error") is False and result.get("subtype") == "success":
            return finish_reason(stop_reason or text(result, "stop_reason"))
        return self._reported.of_result(result, time.time(), has_text=has_text)


def is_unauthorized(event: Event) -> bool:
    """Returns whether an `api_retry` follows a request without valid credentials."""
    return event.get("error_status") == UNAUTHORIZED
