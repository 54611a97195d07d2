"""The error for an answer without a success status."""

import asyncio

from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import MAX_ANSWER_BYTES, UpstreamResponse

FIRST_REDIRECT, FIRST_ERROR, LAST_STATUS = 300, 400, 599


async def rejection(answer: Answer, patience: float) -> GatewayError:
    """Returns the upstream's own error unchanged, or the error for an unusable status.

    The status is worth more than the body, for which it waits at most `patience` seconds.
    """
    status = answer.head.status
    if status > LAST_STATUS:
        return errors.not_http(status)
    if status >= FIRST_ERROR:
        return await _refusal(answer, patience)
    if status >= FIRST_REDIRECT:
        return errors.redirected(status, answer.redirect_target)
    return errors.unreadable(f"unexpected status {status}")


async def _refusal(answer: Answer, patience: float) -> UpstreamRefusalError:
    """Returns the error response with what came of its body."""
    body, is_cut = bytearray(), False
    try:
        async with asyncio.timeout(patience):
            while len(body) < MAX_ANSWER_BYTES and (piece := await answer.body.read()):
                body += piece
    except (GatewayError, TimeoutError):
        is_cut = not body
    response = UpstreamResponse(answer.head.status, answer.head.headers, bytes(body))
    return UpstreamRefusalError(response, is_cut=is_cut)
