"""The port for a built-in table of prices."""

from typing import Protocol

from modegate.domain.usage.prices import Price


class PriceSource(Protocol):
    """Knows the public prices of models; asks nothing over the network."""

    @property
    def version(self) -> str:
        """The name and the version of the table, at most 64 visible ASCII characters."""
        ...

    def find(self, base_url: str, model: str, at: float) -> Price | None:
        """Returns the price of a model at Unix time `at`; None if it is unknown, never a guess of 0.

        `base_url` is the upstream's address. An address of no known provider has the prices of the
        maker of the model, if its name tells it.
        """
        ...
