"""Closes the parts of the container, including overrides."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack


async def close_each(parts: Sequence[Callable[[], object]], closed: list[object]) -> None:
    """Closes the parts in order, each with its `aclose`, if any; a failure does not stop the rest.

    Parts in `closed` are skipped, and closed parts are added to it, because a part may have several
    names. If several parts fail, the last error is raised with the others as its context.
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
