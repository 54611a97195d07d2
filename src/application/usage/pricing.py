"""Finds the prices of answers."""

from datetime import UTC, datetime

from modegate.application.ports.clock import Clock
from modegate.application.ports.price_source import PriceSource
from modegate.domain.usage.prices import Price, PriceTable
from modegate.lazy_dataclass import dataclass

# `price_version` of the operator's prices.
FROM_SETTINGS = "settings"
# Seconds for which a found price is used: prices change by the day, or at a full hour.
KEPT_S = 900.0
MAX_KEPT = 1024


@dataclass(slots=True)  # not frozen: created for each request
class Asked:
    """Where a request goes: the model's name there, and whose prices count.

    `prices` are the operator's. Without a `base_url` only these count.
    """

    prices: PriceTable
    base_url: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """A price, and the name of the table that it comes from."""

    price: Price
    version: str


class Pricing:
    """Finds prices: the operator's, else those of the built-in table. Keeps what it found."""

    def __init__(self, source: PriceSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._table: PriceTable | None = None
        self._kept: dict[tuple[str | None, ...], FoundPrice | None] = {}
        self._kept_until = 0.0

    def find(self, asked: Asked, used: str | None = None) -> FoundPrice | None:
        """Returns the price of a model, None if it is unknown.

        `used` is the name in the answer, which the built-in table knows better. In the operator's
        prices the name counts by which the upstream was asked.
        """
        now = self._clock.time_of_day()
        if now >= self._kept_until or asked.prices is not self._table:
            self._forget(asked.prices, now)
        key = (asked.base_url, asked.model, used)
        try:
            return self._kept[key]
        except KeyError:
            pass
        if len(self._kept) >= MAX_KEPT:
            self._forget(asked.prices, now)
        found = self._kept[key] = self._look_up(asked, used, now)
        return found

    def _forget(self, table: PriceTable, now: float) -> None:
        self._table, self._kept = table, {}
        self._kept_until = now - now % KEPT_S + KEPT_S

    def _look_up(self, asked: Asked, used: str | None, now: float) -> FoundPrice | None:
        names = [name for name in (asked.model, used) if name]
        today = datetime.fromtimestamp(now, UTC).date()
        if (own := asked.prices.find(names, today)) is not None:
            return FoundPrice(own, FROM_SETTINGS)
        if asked.base_url is None:
            return None
        for name in reversed(names):
            if (price := self._source.find(asked.base_url, name, now)) is not None:
                return FoundPrice(price, self._source.version)
        return None
