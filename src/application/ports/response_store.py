"""The port for responses that are kept for a time."""

from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.kept_response import KeptResponse


class ResponseStore(Protocol):
    """Keeps responses for a time; a client finds its own only. It may drop the oldest."""

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response."""
        ...

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client; None if there is none, or no longer."""
        ...

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client; returns whether there was one."""
        ...
