"""A fake of the port for the presence of gateways."""

from collections.abc import Collection


class FakeGatewayPresence:
    """The gateway `id`, which knows that those in `present` live."""

    def __init__(self, own_id: str, present: Collection[str] = ()) -> None:
        self.id = own_id
        self.present = {*present}

    async def is_present(self, gateway_id: str) -> bool:
        """Returns whether the gateway is one of `present`."""
        return gateway_id in self.present
