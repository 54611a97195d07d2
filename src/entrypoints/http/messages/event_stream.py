"""Encodes the body of a streamed answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress

from modegate.dialects.chat.stream import ChunkFormat
from modegate.dialects.dialect import StreamFormat
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import backend
from modegate.entrypoints.http.messages.errors import stream_facts

CHUNKS = ChunkFormat()

log = logging.getLogger(__name__)


async def _noop() -> None:
    pass


async def encode_stream(
    pieces: AsyncIterator[bytes],
    failed: Callable[[str], None],
    keep_alive: float | None = None,
    finish: Callable[[], Awaitable[None]] = _noop,
    form: StreamFormat = CHUNKS,
) -> AsyncGenerator[bytes, None]:
    """Yields rendered events, an error event where the answer was cut, then the end.

    `failed` is called with the error's code. If `keep_alive` is set, a sign of life is sent after
    each silence of that many seconds. `finish` is awaited before the end: a client that has it may
    go on with its next request.
    """
    silences = None if keep_alive is None else _with_keep_alive(pieces, keep_alive)
    try:
        async for piece in silences or pieces:
            if piece is None:
                yield form.keep_alive
            elif piece:
                yield piece
    except UpstreamRefusalError as error:  # the upstream's own error event was already sent
        failed(error.code)
    except GatewayError as error:
        failed(error.code)
        yield form.cut(stream_facts(error))
    except Exception:
        log.exception("stream cut by an unexpected error")
        unexpected = backend.unexpected()
        failed(unexpected.code)
        yield form.cut(stream_facts(unexpected))
    finally:
        if silences is not None:  # cancel the pending `anext()` before closing the generator
            await silences.aclose()
    await finish()
    yield form.end()


async def _with_keep_alive(
    pieces: AsyncIterator[bytes], seconds: float
) -> AsyncGenerator[bytes | None, None]:
    """Yields the pieces, and None after every `seconds` without one."""
    waiting: asyncio.Future[bytes] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(pieces))
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
