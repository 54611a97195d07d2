"""Classifies a failed turn by everything that the CLI reported, without I/O."""

import logging
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TypeVar

from modegate.adapters.claude_cli import errors
from modegate.adapters.claude_cli.protocol.events import Event, child, number, text, text_blocks
from modegate.adapters.claude_cli.protocol.failures.rate_limits import reset_in, reset_of_text
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.outcomes import (
    API_ERROR_TYPES,
    ERROR_KINDS,
    GENERAL_ERRORS,
    RESULT_SUBTYPES,
    SPECIFIC_ERRORS,
    STOP_REASONS,
    TERMINAL_REASONS,
    Failure,
    Outcome,
    of_status,
)
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code, sessions

CONTEXT_WINDOW = "context_window"
CREDITS_USED_UP = "model_requires_usage_credits"
TOO_LONG = re.compile(
    r"prompt is too long|request too large|exceeds? the (maximum|context)", re.IGNORECASE
)
BLOCKED = re.compile(r"blocked by content filtering", re.IGNORECASE)
USAGE_LIMIT = re.compile(
    r"usage limit|(hit|reached) your .{0,60}(limit|budget)|limit reached|out of (extra )?usage|"
    r"usage is paused|experiencing high load",
    re.IGNORECASE,
)
INVALID = 400
SPENT = re.compile(r"reached your .{0,40}API usage limits", re.IGNORECASE)
FORBIDDEN = 403
SAYS_FORBIDDEN = re.compile(r"(Failed to authenticate\. )?API Error: 403\b")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

T = TypeVar("T")

log = logging.getLogger(__name__)


class Reported:
    """Collects what the CLI reports about a failure, and classifies it."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._kind: str | None = None
        self._is_context_cut = False
        self._delay: float | None = None
        self._resets_at: float | None = None
        self._windows: Event = {}

    def note_retry(self, event: Event) -> None:
        """Records the error name and the delay of an `api_retry`."""
        self._name = text(event, "error")
        self._delay = number(event, "retry_delay_ms") / 1000 or None

    def note_limit(self, info: Event, now: float) -> None:
        """Records a `rate_limit_info`; one that rejects nothing clears an earlier one.

        That of an error has no windows, and follows an event that has them.
        """
        if info:
            self._windows = child(info, "unifiedWindows") or self._windows
            self._resets_at = reset_in({**info, "unifiedWindows": self._windows}, now)

    def note_error(self, event: Event, now: float) -> None:
        """Records an error message of the CLI, or the result itself."""
        self._name = text(event, "error") or self._name
        self._kind = text(event, "api_error") or self._kind
        details = child(event, "api_error_params")
        self._is_context_cut = self._is_context_cut or details.get("cut") == CONTEXT_WINDOW
        self.note_limit(child(details, "rate_limit_info"), now)

    def of_retry(self, event: Event, now: float) -> GatewayError:
        """Returns the error of a turn that is stopped because the CLI would wait too long."""
        status = event.get("error_status")
        kind = of_status(status) if isinstance(status, int) else self._of_name() or Failure.SERVER
        if not isinstance(kind, Failure) or kind is Failure.UNKNOWN:  # a connection that broke
            kind = Failure.SERVER
        return errors.of_kind(kind, self._wait("", now))

    def of_result(
        self, result: Event, now: float, *, has_text: bool = False
    ) -> FinishReason | GatewayError:
        """Returns the outcome of a turn whose `result` is an error; `now` is in Unix seconds."""
        self.note_error(result, now)
        said = f"{result.get('result') or ''} {result.get('errors') or ''}"
        if errors.NO_CONVERSATION.search(said):
            return sessions.conversation_lost()
        outcome = next(self._outcomes(result, said), Failure.UNKNOWN)
        if outcome is FinishReason.LENGTH and not has_text:
            return self._cut_without_text()
        if isinstance(outcome, FinishReason):
            return outcome
        if outcome is Failure.UNKNOWN:
            log.warning("claude turn failed without a known reason: %s", self._names(result))
        return errors.of_kind(outcome, self._wait(said, now))

    def _cut_without_text(self) -> GatewayError:
        if self._is_context_cut:
            return claude_code.too_long()
        is_limit = "max_output_tokens" in {self._name, self._kind}
        return claude_code.cut_without_text() if is_limit else claude_code.unexplained()

    def _outcomes(self, result: Event, said: str) -> Iterator[Outcome]:
        """Yields the possible outcomes of the result, the most specific first."""
        status = result.get("api_error_status")
        if self._kind == CREDITS_USED_UP and self._resets_at:
            yield Failure.RATE_LIMITED
        if found := known(ERROR_KINDS, "error kind", self._kind):
            yield found
        if result.get("stop_reason") == "refusal":
            yield FinishReason.CONTENT_FILTER
        if specific := SPECIFIC_ERRORS.get(self._name or ""):
            yield specific
        yield from self._from_words(status, said)
        if reason := TERMINAL_REASONS.get(text(result, "terminal_reason") or ""):
            yield reason
        if isinstance(status, int):
            yield of_status(status)
        if found := known(API_ERROR_TYPES, "API error type", text(result, "api_error_type")):
            yield found
        if found := self._of_name():
            yield found
        if found := known(RESULT_SUBTYPES, "result subtype", text(result, "subtype")):
            yield found

    def _from_words(self, status: object, said: str) -> Iterator[Failure | FinishReason]:
        if status in {None, 400} and BLOCKED.search(said):
            yield FinishReason.CONTENT_FILTER
        if status in {None, 400} and TOO_LONG.search(said):
            yield Failure.CONTEXT
        if status == INVALID and SPENT.search(said):  # the API's status for a limit of the account
            yield Failure.RATE_LIMITED
        if status is None and USAGE_LIMIT.search(said):
            yield Failure.RATE_LIMITED
        if status is None and errors.NOT_LOGGED_IN.search(said):
            yield Failure.CREDENTIALS

    def _names(self, result: Event) -> str:
        told = (text(result, name) for name in ("subtype", "terminal_reason"))
        names = (self._name, self._kind, *told)
        return ", ".join(name for name in names if name and NAME.fullmatch(name)) or "none"

    def _of_name(self) -> Outcome | None:
        return known({**GENERAL_ERRORS, **SPECIFIC_ERRORS}, "error name", self._name)

    def _wait(self, said: str, now: float) -> float | None:
        """Returns the seconds until a request can succeed; None if the CLI reported no time."""
        resets_at = self._resets_at or reset_of_text(said, now)
        return max(0.0, resets_at - now) if resets_at else self._delay


def is_forbidden(event: Event) -> bool:
    """Whether the API answered a request with 403; the text counts only if the event has no status."""
    status = event.get("api_error_status")
    if status is not None:
        return status == FORBIDDEN
    return any(SAYS_FORBIDDEN.match(said) for said in text_blocks(child(event, "message")))


def finish_reason(stop_reason: str | None) -> FinishReason:
    """Returns the OpenAI finish reason for the model's stop reason."""
    return known(STOP_REASONS, "stop reason", stop_reason) or FinishReason.STOP


def known(table: Mapping[str, T], what: str, name: str | None) -> T | None:
    """Returns the table's value for a name; logs an unknown name once."""
    if name is not None and name not in table:
        log_unknown(what, name if NAME.fullmatch(name) else "(not an identifier)")
    return table.get(name or "")


@lru_cache(maxsize=256)
def log_unknown(what: str, name: str) -> None:
    """Logs an unknown name, the first time that it appears."""
    log.warning("unknown %s of the claude CLI: %s", what, name)
