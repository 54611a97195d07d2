"""Passes an answer on as it arrives: events whole, other content in pieces of any size."""

from collections.abc import AsyncGenerator

from modegate.adapters.openai_sdk.answers.usage.content import ContentUsage
from modegate.adapters.openai_sdk.answers.whole_events import WholeEvents
from modegate.adapters.openai_sdk.reporting import reported
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors.catalogue import upstream as errors


async def pieces_of(
    answer: Answer, silence: float, usage: ContentUsage | None = None
) -> AsyncGenerator[bytes, None]:
    """Yields the body as it arrives; each wait is at most `silence` seconds.

    `usage` observes what is yielded.

    Raises:
        GatewayError: if the answer is incomplete. The rest of a cut event was not yielded.
    """
    body, events = answer.body, WholeEvents() if answer.says_events else None
    body.bound_silence(silence)
    with reported:
        try:
            while piece := await body.read():
                if events is not None:
                    piece = events.feed(piece)
                if not piece:
                    continue
                if usage is not None:
                    usage.note(piece)
                yield piece
        except TimeoutError:
            raise errors.fell_silent() from None
    if events is not None and (last := events.finish()):
        if usage is not None:
            usage.note(last)
        yield last
