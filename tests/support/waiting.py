"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Return as soon as `condition` holds; fail where it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - whatever is observed sets no event
            await asyncio.sleep(0.002)


def requests_under_way() -> list[asyncio.Task[object]]:
    """The requests that a gateway in this process is handling."""
    return [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]
