"""The table from an upstream's failure to what follows it."""

from collections.abc import Sequence
from enum import Enum

from modegate.domain.credentials.error_rules import ErrorRule, find_rule
from modegate.domain.credentials.state import Cooldown, CredentialState
from modegate.lazy_dataclass import dataclass

FIRST_RATE_LIMIT_S = 1.0
MAX_OWN_RATE_LIMIT_S = 300.0
SERVER_ERRORS_TO_COOL = 3
SERVER_ERRORS = frozenset({500, 502, 503, 504, 529})
CREDENTIAL_REJECTED = frozenset({401, 402, 403})
TOO_MANY_REQUESTS = 429


class Cause(Enum):
    """The kind of a failure; the value is the reason that operators see."""

    REQUEST = "request"
    REJECTED = "credential rejected"
    PERMISSION = "lacks a permission"
    QUOTA = "out of quota"
    RATE_LIMIT = "rate limit"
    SERVER = "server errors"
    RULE = "error rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldowns:
    """The durations of cool-downs in seconds."""

    auth_s: float = 1800.0
    server_s: float = 60.0
    max_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt; `status` is None if there was no response.

    `retry_after_s` is the time that the upstream asked for. `out_of_quota` means that waiting does
    not help. `lacks_permission` means that other requests may succeed.
    """

    code: str
    status: int | None = None
    body: bytes = b""
    retry_after_s: float | None = None
    out_of_quota: bool = False
    lacks_permission: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether another credential is tried, and the cool-down in seconds; None for no cool-down."""

    cause: Cause
    tries_next: bool = False
    cools_s: float | None = None


def judge(
    failure: Failure,
    state: CredentialState,
    rules: Sequence[ErrorRule] = (),
    cooldowns: Cooldowns | None = None,
) -> Verdict:
    """Returns what follows a failure; `state` already counts it."""
    times = cooldowns or Cooldowns()
    status = failure.status
    if status is not None and (rule := find_rule(rules, status, failure.body)):
        cools_s = rule.for_s if rule.then.cools else None
        return Verdict(Cause.RULE, rule.then.tries_next, cools_s)
    match cause_of(failure):
        case Cause.PERMISSION as cause:
            return Verdict(cause, tries_next=True)
        case Cause.QUOTA | Cause.REJECTED as cause:
            return Verdict(cause, tries_next=True, cools_s=times.auth_s)
        case Cause.RATE_LIMIT as cause:
            asked = failure.retry_after_s
            own = own_rate_limit_s(state.rate_limits_in_row)
            return Verdict(cause, tries_next=True, cools_s=own if asked is None else asked)
        case Cause.SERVER as cause:
            cools = state.server_errors_in_row >= SERVER_ERRORS_TO_COOL
            return Verdict(cause, tries_next=True, cools_s=times.server_s if cools else None)
        case cause:
            return Verdict(cause)


def cause_of(failure: Failure) -> Cause:
    """Returns the kind of a failure."""
    if failure.out_of_quota:
        return Cause.QUOTA
    if failure.lacks_permission:
        return Cause.PERMISSION
    if failure.status is None or failure.status in SERVER_ERRORS:
        return Cause.SERVER
    if failure.status in CREDENTIAL_REJECTED:
        return Cause.REJECTED
    return Cause.RATE_LIMIT if failure.status == TOO_MANY_REQUESTS else Cause.REQUEST


def own_rate_limit_s(in_row: int) -> float:
    """Returns the cool-down for the n-th rate limit in a row that names no time."""
    doublings = min(max(in_row - 1, 0), 16)
    return float(min(FIRST_RATE_LIMIT_S * 2**doublings, MAX_OWN_RATE_LIMIT_S))


def cool_down(verdict: Verdict, cooldowns: Cooldowns, now: float) -> Cooldown | None:
    """Returns the cool-down of a verdict, which is cut to the longest one allowed."""
    if verdict.cools_s is None:
        return None
    until = now + min(verdict.cools_s, cooldowns.max_s)
    return Cooldown(verdict.cause.value, now, until, now + verdict.cools_s)
