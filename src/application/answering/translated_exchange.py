"""Sends a translated request, whose thoughts the upstream may reject."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from modegate.application.answering.translated_events import content_of
from modegate.application.answering.translation import Translation
from modegate.application.credentials.attempts import Response
from modegate.domain.upstream_response import UpstreamResponse

INVALID = 400
# In each of Anthropic's messages about signatures, and about blocks that were changed.
MENTION = b"thinking"


def send_with_thoughts(
    translation: Translation, send: Callable[[Translation], Response]
) -> Response:
    """Sends a request, and again without its thoughts if the upstream rejects these.

    Some of Anthropic's models take a thought back only behind the same system prompt, tools and
    messages. A client that changes one of them would get an error that it cannot understand.

    Raises:
        RequestError: the upstream's API has no form for what is asked.
    """
    return _retrying(translation, send) if translation.has_thoughts else send(translation)


@asynccontextmanager
async def _retrying(
    translation: Translation, send: Callable[[Translation], Response]
) -> AsyncIterator[UpstreamResponse]:
    async with send(translation) as response:
        if response.status != INVALID:
            yield response
            return
        body = await content_of(response)
        if MENTION not in body:
            yield replace(response, body=body)
            return
    async with send(translation.without_thoughts()) as response:
        yield response
