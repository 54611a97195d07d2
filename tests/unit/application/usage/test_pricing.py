"""Which price counts, and for how long."""

from datetime import date

from modegate.application.usage.pricing import KEPT_S, MAX_KEPT, Asked, Pricing
from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.testing.clock import FakeClock
from modegate.testing.price_source import FakePriceSource

URL = "https://api.example/v1"
NONE = PriceTable()
BUILT_IN, OWN = Price(input=1, output=2), Price(input=3, output=4)


def test_the_operators_price_wins_by_the_name_that_was_asked() -> None:
    pricing = Pricing(FakePriceSource({"gpt-4o-2024": BUILT_IN}), FakeClock())
    table = PriceTable({"gpt-4o": [DatedPrice(OWN)], "gpt-*": [DatedPrice(BUILT_IN)]})
    found = pricing.find(Asked(table, URL, "gpt-4o"), "gpt-4o-2024")
    assert found is not None
    assert (found.price, found.version) == (OWN, "settings")


def test_the_built_in_table_is_asked_for_the_model_that_answered_first() -> None:
    source = FakePriceSource({"used": BUILT_IN, "asked": OWN})
    found = Pricing(source, FakeClock()).find(Asked(NONE, URL, "asked"), "used")
    assert found is not None
    assert (found.price, found.version) == (BUILT_IN, "fake 1")
    assert source.asked == ["used"]


def test_an_unknown_price_is_none_and_is_looked_up_once() -> None:
    source = FakePriceSource()
    pricing = Pricing(source, FakeClock())
    for _ in range(3):
        assert pricing.find(Asked(NONE, URL, "asked"), "used") is None
        assert pricing.find(Asked(NONE, None, "images")) is None
        assert pricing.find(Asked(NONE, URL, None)) is None
    assert source.asked == ["used", "asked"]


def test_a_price_is_looked_up_again_after_a_time_and_with_another_table() -> None:
    clock, source = FakeClock(1_000_000.0), FakePriceSource({"m": BUILT_IN})
    pricing = Pricing(source, clock)
    for _ in range(2):
        pricing.find(Asked(NONE, URL, "m"))
        clock.advance(KEPT_S)
    assert source.asked == ["m"] * 2
    pricing.find(Asked(PriceTable(), URL, "m"))
    assert source.asked == ["m"] * 3


def test_a_dated_price_begins_with_its_day() -> None:
    clock = FakeClock(1_798_761_599.0)  # a second before 2027 in UTC
    table = PriceTable({"*": [DatedPrice(OWN, date(2027, 1, 1))]})
    pricing = Pricing(FakePriceSource(), clock)
    assert pricing.find(Asked(table, None, "m")) is None
    clock.advance(1.0)
    assert pricing.find(Asked(table, None, "m")) is not None


def test_the_number_of_kept_prices_is_bounded() -> None:
    source = FakePriceSource()
    pricing = Pricing(source, FakeClock())
    for number in range(MAX_KEPT + 1):
        pricing.find(Asked(NONE, URL, f"model-{number}"))
    pricing.find(Asked(NONE, URL, "model-0"))
    assert source.asked.count("model-0") == 2
