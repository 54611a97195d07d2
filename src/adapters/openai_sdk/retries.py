"""Decides when to retry a request to the upstream, and after which delay."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.domain.credentials.error_rules import find_rule
from modegate.domain.credentials.retry_time import retry_after_s
from modegate.domain.errors import GatewayError, UpstreamRefusalError, UpstreamUnreachableError
from modegate.domain.routing.hints import is_out_of_quota
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse

T = TypeVar("T")

TOO_MANY_REQUESTS = 429
RETRIED = frozenset({408, 409, TOO_MANY_REQUESTS})
FIRST_SERVER_ERROR = 500
# What an upstream says itself in this header, which the OpenAI SDK obeys, counts more.
SHOULD_RETRY = {"true": True, "false": False}

backoff = wait_random_exponential(multiplier=0.5, max=8)


def is_transient(error: BaseException, longest_wait: float) -> bool:
    """Returns whether a retry may succeed soon; `longest_wait` is in seconds."""
    if isinstance(error, UpstreamRefusalError):
        status = error.response.status
        wait = retry_after(error.response)
        advice = SHOULD_RETRY.get(dict(error.response.headers).get("x-should-retry", ""))
        repeats = status in RETRIED or status >= FIRST_SERVER_ERROR if advice is None else advice
        return repeats and (wait or 0) < longest_wait
    return isinstance(error, UpstreamUnreachableError) and error.is_transient


def _is_allowed(error: BaseException, request: UpstreamRequest) -> bool:
    if not isinstance(error, UpstreamRefusalError):
        return request.is_repeatable
    status, body = error.response.status, error.response.body
    if isinstance(body, bytes):
        rule = find_rule(request.upstream.error_rules, status, body)
        if rule is not None or is_out_of_quota(status, body):
            return False  # the rule decides what follows; waiting does not help
    return request.is_repeatable and (request.repeats_rate_limits or status != TOO_MANY_REQUESTS)


def retry_after(head: UpstreamResponse) -> float | None:
    """Returns the delay in seconds that the upstream asks for, sent in ms, in s or as a date."""
    return retry_after_s(dict(head.headers), time.time())


def pause_before_next(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    error = state.outcome.exception() if state.outcome else None
    wait = retry_after(error.response) if isinstance(error, UpstreamRefusalError) else None
    return wait or backoff(state)  # without a time to wait, the pause is ours


async def retry(
    attempt: Callable[[], Awaitable[T]],
    failed: GatewayError,
    options: UpstreamOptions,
    request: UpstreamRequest,
    until: float | None = None,
) -> T:
    """Repeats an attempt that `failed`, if that may help.

    Returns the result of the first successful attempt, or raises the error of the last one.

    Raises:
        TimeoutError: if the loop time `until` passes before that; delays count, too.
    """

    def is_repeated(error: BaseException) -> bool:
        return is_transient(error, options.max_retry_delay) and _is_allowed(error, request)

    def tell_failure(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, GatewayError):
            request.on_failure(error)

    if not options.retries or not is_repeated(failed):
        raise failed
    first = [failed]

    async def next_attempt() -> T:
        if first:
            raise first.pop()
        return await attempt()

    retries = AsyncRetrying(
        stop=stop_after_attempt(1 + options.retries),
        wait=pause_before_next,
        retry=retry_if_exception(is_repeated),
        before_sleep=tell_failure,
        reraise=True,
    )
    async with asyncio.timeout_at(until):
        return await retries(next_attempt)
