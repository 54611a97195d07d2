import asyncio

import pytest

from modegate.http_client.connections.connection import Connection
from modegate.http_client.connections.pool import Pool
from modegate.http_client.errors import ClosedError


class Opened(Connection):
    """A connection without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.has_bytes = False

    @property
    def is_open(self) -> bool:
        return not self.aborted

    @property
    def is_quiet(self) -> bool:
        return not self.aborted and not self.has_bytes

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.connection_lost(None)


async def connect() -> Opened:
    await asyncio.sleep(0)
    return Opened()


def pool(limit: int = 1) -> Pool:
    return Pool(connect, limit, idle_s=60.0)


async def test_a_slot_granted_to_a_waiter_that_is_being_cancelled_is_free() -> None:
    lent = pool()
    first = await lent.acquire()
    waiting = asyncio.create_task(lent.acquire())
    await asyncio.sleep(0)
    lent.release(first, True)  # noqa: FBT003
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert lent.take_idle() is first


async def test_a_waiter_that_is_cancelled_is_passed_over() -> None:
    lent = pool()
    first = await lent.acquire()
    waiting = [asyncio.create_task(lent.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    lent.release(first, True)  # noqa: FBT003
    assert await waiting[1] is first
    assert not waiting[2].done()
    lent.release(first, False)  # noqa: FBT003
    assert await waiting[2] is not first


async def test_a_waiter_is_not_overtaken() -> None:
    lent = pool()
    first = await lent.acquire()
    waiting = asyncio.create_task(lent.acquire())
    await asyncio.sleep(0)
    lent.release(first, True)  # noqa: FBT003
    assert lent.take_idle() is None
    assert await waiting is first


async def test_a_new_connection_replaces_an_idle_one_within_the_limit() -> None:
    lent = pool()
    first = await lent.acquire()
    lent.release(first, True)  # noqa: FBT003
    second = await lent.acquire(new=True)
    assert second is not first
    assert not first.is_open


async def test_the_connection_used_last_is_used_next() -> None:
    lent = pool(2)
    one, two = await lent.acquire(), await lent.acquire()
    lent.release(one, True)  # noqa: FBT003
    lent.release(two, True)  # noqa: FBT003
    assert lent.take_idle() is two
    assert lent.take_idle() is one
    assert lent.take_idle() is None


async def test_an_idle_connection_with_bytes_is_closed() -> None:
    lent = pool()
    first = await lent.acquire()
    lent.release(first, True)  # noqa: FBT003
    assert isinstance(first, Opened)
    first.has_bytes = True
    assert lent.take_idle() is None
    assert first.aborted


async def test_a_closed_pool_lends_nothing() -> None:
    lent = pool()
    first = await lent.acquire()
    await lent.aclose()
    assert not first.is_open
    lent.release(first, True)  # noqa: FBT003
    with pytest.raises(ClosedError):
        await lent.acquire()


async def test_a_waiter_is_told_that_the_pool_was_closed_though_nothing_is_released() -> None:
    lent = pool()
    await lent.acquire()
    waiting = asyncio.create_task(lent.acquire())
    await asyncio.sleep(0)
    await lent.aclose()
    await asyncio.wait({waiting}, timeout=10)
    assert waiting.done()
    assert isinstance(waiting.exception(), ClosedError)


async def test_a_connection_opened_while_the_pool_is_closed_is_closed() -> None:
    lent = pool()
    waiting = asyncio.create_task(lent.acquire())
    await asyncio.sleep(0)
    await lent.aclose()
    with pytest.raises(ClosedError):
        await waiting
