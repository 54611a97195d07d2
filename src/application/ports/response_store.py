"""The port for responses that are kept for a time."""

from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.kept_response import KeptResponse


class ResponseStore(Protocol):
    """Keeps responses for a time; a client finds its own only.

    The oldest make place for newer ones, first those of the same client. Ids are such as
    `is_response_id` accepts. All methods raise `StorageError` if the storage cannot be used.
    """

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response, in place of one with the same id; one that is too large is not kept.

        The store logs a failure.
        """
        ...

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client; None if there is none, or no longer.

        One that a later version stored, or that was damaged, counts as none.
        """
        ...

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client; returns whether there was one."""
        ...

    async def expire(self) -> int:
        """Deletes what is left of responses whose time is over; returns their number."""
        ...
