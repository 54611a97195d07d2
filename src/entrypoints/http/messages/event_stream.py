"""The body of a streamed answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

from modegate.dialects.chat.response import DONE, KEEP_ALIVE, event
from modegate.domain.answer.events import Chunk
from modegate.domain.errors import BackendCrashedError, GatewayError, UpstreamRefusalError
from modegate.entrypoints.http.messages.errors import stream_error

log = logging.getLogger(__name__)

Render = Callable[[Chunk], bytes]


async def encode_stream(
    first: Chunk,
    rest: AsyncIterator[Chunk],
    render: Render,
    failed: Callable[[str], None],
    keep_alive: float | None = None,
) -> AsyncGenerator[bytes, None]:
    """Every chunk as `render` writes it, an error event where the answer was cut, then `[DONE]`.

    `failed` is told the code of what cut it. With `keep_alive`, in seconds, a comment is sent after
    each such silence.
    """
    silences = None if keep_alive is None else _with_keep_alive(rest, keep_alive)
    try:
        if data := render(first):
            yield data
        async for chunk in silences or rest:
            data = KEEP_ALIVE if chunk is None else render(chunk)
            if data:
                yield data
    except UpstreamRefusalError as error:  # clients have the upstream's own event
        failed(error.code)
    except GatewayError as error:
        failed(error.code)
        yield event(stream_error(error))
    except Exception:
        log.exception("a stream was cut by a bug")
        failed(BackendCrashedError.code)
        yield event(stream_error(BackendCrashedError("Send the request again.")))
    finally:
        if silences is not None:  # who waits for the next chunk must be gone before the chunks are
            await silences.aclose()
    yield DONE


async def _with_keep_alive(
    chunks: AsyncIterator[Chunk], seconds: float
) -> AsyncGenerator[Chunk | None, None]:
    """The chunks, and a None for every `seconds` without one."""
    waiting: asyncio.Future[Chunk] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(chunks))
            await asyncio.wait({waiting}, timeout=seconds)
            if not waiting.done():
                yield None
                continue
            done, waiting = waiting, None
            try:
                yield done.result()
            except StopAsyncIteration:
                return
    finally:
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, GatewayError):
                await waiting
