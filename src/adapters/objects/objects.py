"""What a place for objects does."""

from collections.abc import Sequence
from typing import Protocol


class Objects(Protocol):
    """Stores bytes under names, which are segments of letters, digits, `-`, `_`, `=` and `/`.

    Raises:
        OSError: from each call, if the place cannot be used.
    """

    async def put(self, name: str, data: bytes) -> None:
        """Stores an object: all of it, or nothing."""
        ...

    async def get(self, name: str) -> bytes | None:
        """Returns an object; None if there is none."""
        ...

    async def list(self, prefix: str) -> Sequence[tuple[str, int]]:
        """Returns the names under a folder `prefix`, with their times of storage.

        Times are milliseconds since the epoch.
        """
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Deletes objects. Idempotent."""
        ...
