"""The error for an answer without a success status."""

import asyncio

from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import UpstreamResponse

FIRST_REDIRECT, FIRST_ERROR, LAST_STATUS = 300, 400, 599


async def rejection(answer: Answer, patience: float) -> GatewayError:
    """Returns the upstream's own error unchanged, or the error for an unusable status.

    The status is worth more than the body, for which it waits at most `patience` seconds.
    """
    status = answer.head.status
    if status > LAST_STATUS:
        return errors.not_http(status)
    if status >= FIRST_ERROR:
        return UpstreamRefusalError(await _refusal(answer, patience))
    if status >= FIRST_REDIRECT:
        return errors.redirected(status, answer.redirect_target)
    return errors.unreadable(f"unexpected status {status}")


async def _refusal(answer: Answer, patience: float) -> UpstreamResponse:
    """Returns the error response; its body is empty if it cannot be read."""
    try:
        async with asyncio.timeout(patience):
            body = await answer.body.read_all()
    except (GatewayError, TimeoutError):
        body = b""
    return UpstreamResponse(answer.head.status, answer.head.headers, body)
