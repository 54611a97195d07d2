"""Options of the store."""

from dataclasses import field

from modegate.domain.store_address import StoreAddress, parse_store_address
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """Where the store is, with its password if it has one, and the bound of each call in seconds."""

    url: str = field(repr=False)
    timeout_s: float = 0.8

    @property
    def address(self) -> StoreAddress:
        """The parts of the address."""
        return parse_store_address(self.url)
