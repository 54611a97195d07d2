"""The contract suite of price sources, run on the fake and on broken ones."""

import pytest
from support.contracts import duties_of, expect_failure

from modegate.domain.usage.prices import Price
from modegate.testing.contracts.price_source import PriceSourceContract
from modegate.testing.price_source import FakePriceSource


class TestFakePriceSource(PriceSourceContract):
    kind: type[FakePriceSource] = FakePriceSource

    def source(self) -> FakePriceSource:
        return self.kind({"known": Price(input=1, output=2)})

    def known(self) -> tuple[str, str]:
        return "https://api.example/v1", "known"


class Ignorant(FakePriceSource):
    def find(self, *_: object) -> Price | None:
        return None


class Guessing(FakePriceSource):
    def find(self, *_: object) -> Price | None:
        return Price(input=0, output=0)


class Encoding(FakePriceSource):
    def find(self, base_url: str, model: str, at: float) -> Price | None:
        model.encode()
        return super().find(base_url, model, at)


class Nameless(FakePriceSource):
    version = ""


BROKEN = {
    "test_a_known_price_is_positive": Ignorant,
    "test_an_unknown_model_has_no_price": Guessing,
    "test_any_text_can_be_looked_up": Encoding,
    "test_the_version_is_short_and_visible": Nameless,
}


def test_each_duty_has_a_source_that_breaks_it() -> None:
    assert set(BROKEN) == duties_of(PriceSourceContract)


@pytest.mark.parametrize("duty", BROKEN)
async def test_each_contract_test_fails_for_a_broken_source(duty: str) -> None:
    tested = TestFakePriceSource()
    tested.kind = BROKEN[duty]
    await expect_failure(getattr(tested, duty))
