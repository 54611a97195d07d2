"""Closes what somebody made, or put in its place."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack


async def close_each(parts: Sequence[Callable[[], object]], closed: list[object]) -> None:
    """Close the parts in their order, each with its `aclose` if it has one, whatever else fails.

    What is in `closed` is left alone, and what is closed gets into it: a part may have several
    names. Of several failures the last is raised, with the others as its context.
    """
    async with AsyncExitStack() as all_of_them:
        for part in reversed(parts):
            all_of_them.push_async_callback(_close, part, closed)


async def _close(make: Callable[[], object], closed: list[object]) -> None:
    part = make()
    if any(part is it for it in closed):
        return
    closed.append(part)
    if aclose := getattr(part, "aclose", None):
        await aclose()
