"""The duties of a `PriceSource`."""

from abc import ABC, abstractmethod

from modegate.application.ports.price_source import PriceSource
from modegate.domain.answer.usage import Usage

AT = 1_795_651_200.0
MAX_VERSION_CHARACTERS = 64


class PriceSourceContract(ABC):
    """Give a source, and the address and the model of a price that it knows."""

    @abstractmethod
    def source(self) -> PriceSource:
        """Returns a new source."""

    @abstractmethod
    def known(self) -> tuple[str, str]:
        """Returns the address of a provider, and the name of a model there."""

    def test_a_known_price_is_positive(self) -> None:
        price = self.source().find(*self.known(), AT)
        assert price is not None
        assert price.cost(Usage(1000, 1000)) > 0

    def test_an_unknown_model_has_no_price(self) -> None:
        address, _ = self.known()
        assert self.source().find(address, "no-such-model-was-ever-made", AT) is None

    def test_any_text_can_be_looked_up(self) -> None:
        for name in ("", "*", "\ud800", "x" * 1000, "a/b/c", "(["):
            for address in ("", "http://[::1]/v1", "https://é.example"):
                self.source().find(address, name, AT)

    def test_the_version_is_short_and_visible(self) -> None:
        version = self.source().version
        assert 0 < len(version) <= MAX_VERSION_CHARACTERS
        assert version.isascii()
        assert version.isprintable()
