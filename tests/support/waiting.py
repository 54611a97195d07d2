"""Waits for a condition instead of a fixed time.

The time limits only end failing tests; no test may depend on the machine's speed.
"""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns as soon as `condition` holds; fails if it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - whatever is observed sets no event
            await asyncio.sleep(0.002)


async def until_awaited(condition: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """Returns as soon as the result of `condition` holds; fails if it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - whatever is observed sets no event
            await asyncio.sleep(0.01)


async def settled() -> None:
    """Return when the gateways in this process handle no request: each is logged and counted then."""
    await until(lambda: not requests_under_way())


def requests_under_way() -> list[asyncio.Task[object]]:
    """The requests that a gateway in this process is handling."""
    return [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]
