"""How an exchange with an upstream ends."""

import asyncio
from contextlib import suppress

from modegate.adapters.openai_sdk.reporting import reported
from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import UpstreamResponse

# Seconds to read the rest of a finished stream before its connection is closed.
LAST_BYTES = 0.25


def error_response(refusal: UpstreamRefusalError) -> UpstreamResponse:
    """Returns the upstream's own error.

    Raises:
        UpstreamInvalidResponseError: the answer was cut before its body.
    """
    if refusal.is_cut:
        with reported:
            raise errors.no_error_body(refusal.response.status) from None
    return refusal.response


async def drain(body: AnswerBody) -> None:
    """Reads the last bytes of the body, so that the connection can be reused."""
    if body.ended:
        return
    with suppress(TimeoutError, GatewayError):
        async with asyncio.timeout(LAST_BYTES):
            await body.read_all()
