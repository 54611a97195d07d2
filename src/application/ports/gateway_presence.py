"""The port for the presence of the gateways that share a store."""

from typing import Protocol


class GatewayPresence(Protocol):
    """Knows which gateways live."""

    @property
    def id(self) -> str:
        """The id of this gateway, until its process ends."""
        ...

    async def is_present(self, gateway_id: str) -> bool:
        """Returns whether a gateway has given a sign of life within the last seconds.

        Raises:
            StorageError: the store is away.
        """
        ...
