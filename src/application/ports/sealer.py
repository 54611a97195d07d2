"""The port for what clients keep, and may neither read nor change."""

from typing import Protocol

from modegate.domain.access.client import ClientId


class Sealer(Protocol):
    """Seals content for one client; every gateway with the same state can open it, also later."""

    async def seal(self, content: bytes, client: ClientId) -> str:
        """Returns the content as a text of ASCII characters; empty while it cannot be sealed."""
        ...

    async def open(self, sealed: str, client: ClientId) -> bytes | None:
        """Returns what was sealed for the client; None if that is impossible.

        The text was changed, or sealed for another client or elsewhere, or there is no secret.
        """
        ...
