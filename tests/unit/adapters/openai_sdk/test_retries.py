import asyncio
import email.utils
import time

import pytest
from support.error_samples import own_subclass
from tenacity import AsyncRetrying, RetryCallState

from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.retries import (
    is_transient,
    pause_before_next,
    retry,
    retry_after,
)
from modegate.domain.errors import (
    GatewayError,
    TurnTimeoutError,
    UpstreamRefusalError,
)
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.upstreams import UPSTREAM

NOW = {"retry-after-ms": "1"}
REQUEST = UpstreamRequest(upstream=UPSTREAM, body=b"{}")


def refusal(status: int, headers: dict[str, str] | None = None) -> UpstreamRefusalError:
    return UpstreamRefusalError(UpstreamResponse(status, tuple((headers or {}).items()), b"{}"))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_transient_statuses_are_retryable(status: int) -> None:
    assert is_transient(refusal(status), 30)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 451])
def test_permanent_client_errors_are_not_retryable(status: int) -> None:
    assert not is_transient(refusal(status), 30)


@pytest.mark.parametrize(
    "error", [refusal(503), refusal(400), errors.unreachable(), errors.unusable_proxy()]
)
def test_a_subclass_is_tried_again_as_its_parent(error: GatewayError) -> None:
    assert is_transient(own_subclass(error), 30) == is_transient(error, 30)


def test_the_x_should_retry_header_overrides_the_status() -> None:
    assert not is_transient(refusal(429, {"x-should-retry": "false"}), 30)
    assert is_transient(refusal(400, {"x-should-retry": "true"}), 30)
    assert not is_transient(refusal(400, {"x-should-retry": "true", "retry-after": "40"}), 30)
    assert is_transient(refusal(503, {"x-should-retry": "maybe"}), 30)


@pytest.mark.parametrize("header_value", ["0", "-5", "nan", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_the_delay_is_a_random_backoff_without_a_future_retry_after(header_value: str) -> None:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.set_exception((UpstreamRefusalError, refusal(429, {"retry-after": header_value}), None))
    waits = {pause_before_next(state) for _ in range(20)}
    assert len(waits) > 1


def test_a_retry_after_at_or_above_the_maximum_is_not_retryable() -> None:
    assert is_transient(refusal(429, {"retry-after": "29"}), 30)
    assert not is_transient(refusal(429, {"retry-after": "30"}), 30)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x"}, None),
        ({"retry-after-ms": "x", "retry-after": "3"}, 3.0),
        ({"retry-after": "Mon, 01 Jan 2024 00:00:00 +99999999999999"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_all_forms_of_retry_after_headers_are_parsed(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(UpstreamResponse(429, tuple(headers.items()), b"")) == seconds


def test_a_retry_after_date_is_parsed_as_seconds_from_now() -> None:
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    wait = retry_after(UpstreamResponse(429, (("retry-after", date),), b""))
    assert wait is not None
    assert 15 < wait <= 20


class Attempts:
    """Raises the given errors in order, then succeeds; counts the calls."""

    def __init__(self, *errors: GatewayError) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def retrying(
    attempts: Attempts,
    options: UpstreamOptions,
    request: UpstreamRequest,
    until: float | None = None,
) -> str:
    try:
        return await attempts()
    except GatewayError as error:
        return await retry(attempts, error, options, request, until)


async def test_retrying_returns_the_first_successful_answer() -> None:
    attempts = Attempts(refusal(500, NOW), refusal(429, NOW))
    assert await retrying(attempts, UpstreamOptions(), REQUEST) == "answer"
    assert attempts.count == 3


async def test_exhausted_retries_raise_the_last_error() -> None:
    attempts = Attempts(*(refusal(500 + i, NOW) for i in range(5)))
    with pytest.raises(UpstreamRefusalError) as caught:
        await retrying(attempts, UpstreamOptions(retries=2), REQUEST)
    assert caught.value.response.status == 502
    assert attempts.count == 3


@pytest.mark.parametrize(
    "error",
    [
        *(refusal(400), refusal(401), TurnTimeoutError("slow")),
        *(errors.not_http(999), errors.invalid_model_list(), errors.stream_cut()),
    ],
    ids=str,
)
async def test_permanent_errors_are_not_retried(error: GatewayError) -> None:
    attempts = Attempts(error)
    with pytest.raises(type(error)):
        await retrying(attempts, UpstreamOptions(), REQUEST)
    assert attempts.count == 1


async def test_a_failed_connection_is_retried() -> None:
    attempts = Attempts(errors.unreachable())
    assert await retrying(attempts, UpstreamOptions(), REQUEST) == "answer"


async def test_zero_retries_means_a_single_attempt() -> None:
    attempts = Attempts(refusal(500, NOW))
    with pytest.raises(UpstreamRefusalError):
        await retrying(attempts, UpstreamOptions(retries=0), REQUEST)
    assert attempts.count == 1


@pytest.mark.parametrize("timeout", [1.0, 3.0, 300.0])
@pytest.mark.parametrize("retries", [0, 2, 9])
def test_the_wait_for_error_bodies_is_bounded_over_all_attempts(
    timeout: float, retries: int
) -> None:
    options = UpstreamOptions(timeout=timeout, retries=retries)
    assert options.error_patience * (1 + retries) < options.first_byte / 2
    assert options.error_patience <= 10


async def test_the_delays_between_attempts_count_towards_the_bound_on_all_of_them() -> None:
    attempts = Attempts(refusal(503, {"retry-after": "25"}))
    until = asyncio.get_running_loop().time() + 0.05
    with pytest.raises(TimeoutError):
        await retrying(attempts, UpstreamOptions(), REQUEST, until)
    assert attempts.count == 1


async def test_a_spent_quota_is_not_retried() -> None:
    body = b'{"error":{"code":"insufficient_quota"}}'
    attempts = Attempts(UpstreamRefusalError(UpstreamResponse(429, (), body)))
    with pytest.raises(UpstreamRefusalError):
        await retrying(attempts, UpstreamOptions(), REQUEST)
    assert attempts.count == 1
