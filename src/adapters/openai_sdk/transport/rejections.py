"""The error for an answer whose status is no success."""

import asyncio

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.upstream_response import UpstreamResponse

FIRST_REDIRECT, FIRST_ERROR, LAST_STATUS = 300, 400, 599
# An error's status is worth more than a long wait for its words.
ERROR_BODY_S = 10.0


async def rejection(answer: Answer) -> GatewayError:
    """The upstream's own error as it came, or what is wrong with its status."""
    status = answer.head.status
    if status > LAST_STATUS:
        return errors.not_http(status)
    if status >= FIRST_ERROR:
        return UpstreamRefusalError(await _refusal(answer))
    if status >= FIRST_REDIRECT:
        return errors.redirected(status, answer.redirect_target)
    return errors.unreadable(f"status {status}, which ends no answer")


async def _refusal(answer: Answer) -> UpstreamResponse:
    """An error with its body, or without one that cannot be read: its status says enough."""
    try:
        async with asyncio.timeout(ERROR_BODY_S):
            body = await answer.body.read_all()
    except (GatewayError, TimeoutError):
        body = b""
    return UpstreamResponse(answer.head.status, answer.head.headers, body)
