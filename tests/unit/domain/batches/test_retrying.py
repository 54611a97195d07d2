"""Which failed items may be sent again."""

import pytest

from modegate.domain.batches.item import Retry
from modegate.domain.batches.retrying import retry_of_error, retry_of_response
from modegate.domain.errors import (
    BackendAuthError,
    BackendRateLimitedError,
    BudgetExceededError,
    CapacityError,
    GatewayError,
    InvalidRequestError,
    ModelNotFoundError,
    PassthroughNotConfiguredError,
    Remedy,
    StorageError,
    TurnTimeoutError,
    UpstreamUnreachableError,
)

NO_QUOTA = (
    b'{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}'
)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_transient_statuses_are_retried(status: int) -> None:
    assert retry_of_response(status, {}, b"", 0.0) == Retry(None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_statuses_of_the_request_itself_are_not_retried(status: int) -> None:
    assert retry_of_response(status, {}, b"", 0.0) is None


def test_the_time_that_the_upstream_asks_for_is_known() -> None:
    assert retry_of_response(429, {"retry-after": "7"}, b"", 0.0) == Retry(7.0)


def test_an_account_without_quota_is_not_retried() -> None:
    assert retry_of_response(429, {}, NO_QUOTA, 0.0) is None


def test_the_upstreams_own_advice_counts() -> None:
    assert retry_of_response(503, {"x-should-retry": "false"}, b"", 0.0) is None
    assert retry_of_response(400, {"x-should-retry": "true"}, b"", 0.0) == Retry(None)


@pytest.mark.parametrize(
    "error",
    [
        CapacityError("Full."),
        BackendRateLimitedError("Too many."),
        UpstreamUnreachableError("Away."),
        TurnTimeoutError("Too slow."),
        StorageError("Away.", is_repeatable=True),
    ],
)
def test_transient_errors_are_retried(error: GatewayError) -> None:
    assert retry_of_error(error) == Retry(None)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("No."),
        ModelNotFoundError("No."),
        BackendAuthError("No."),
        BudgetExceededError("Spent."),
        PassthroughNotConfiguredError("No."),
        UpstreamUnreachableError("Elsewhere.", is_transient=False),
        TurnTimeoutError("Maybe paid.", remedies=(Remedy.RETRY_AT_COST,)),
    ],
)
def test_errors_that_would_come_again_are_not_retried(error: GatewayError) -> None:
    assert retry_of_error(error) is None


def test_the_time_of_an_error_is_known() -> None:
    assert retry_of_error(CapacityError("Full.", retry_after=2.5)) == Retry(2.5)


def test_a_budget_is_asked_again_when_its_window_has_ended() -> None:
    assert retry_of_error(BudgetExceededError("Spent.", retry_after=60)) == Retry(60)
