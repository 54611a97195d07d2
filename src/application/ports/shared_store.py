"""The port for the state of the store that several gateways share."""

from typing import Protocol


class SharedStore(Protocol):
    """Reports whether the store is there, and how many gateways use it; never waits."""

    @property
    def is_up(self) -> bool:
        """Whether the store was there when it was last asked; True before that."""
        ...

    @property
    def gateways(self) -> int:
        """The number of gateways that were last seen in the store, this one included."""
        ...
