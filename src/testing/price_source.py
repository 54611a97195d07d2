"""A price source with the prices that it is given."""

from collections.abc import Mapping

from modegate.domain.usage.prices import Price


class FakePriceSource:
    """Knows prices by model, at every address; `asked` has the models that were looked up."""

    version = "fake 1"

    def __init__(self, prices: Mapping[str, Price] | None = None) -> None:
        self.prices = dict(prices or {})
        self.asked: list[str] = []

    def find(self, base_url: str, model: str, at: float) -> Price | None:  # noqa: ARG002
        """Returns the price of the model, if it has one."""
        self.asked.append(model)
        return self.prices.get(model)
