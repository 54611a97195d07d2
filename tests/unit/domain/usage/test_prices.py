"""Prices, and the operator's table of them."""

from datetime import date

import pytest

from modegate.domain.answer.usage import Usage
from modegate.domain.usage.prices import DatedPrice, Price, PriceTable

TODAY = date(2026, 11, 26)
PRICE = Price(input=2.5, cached_input=1.25, output=10.0, cache_write=3.0)


def always(amount: float) -> list[DatedPrice]:
    return [DatedPrice(Price(input=amount, output=amount))]


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(1_000_000, 0), 2.5),
        (Usage(0, 1_000_000, reasoning_tokens=9), 10.0),
        (Usage(1_000_000, 0, 400_000, cache_write_tokens=100_000), 0.5 * 2.5 + 0.4 * 1.25 + 0.3),
        (Usage(0, 0), 0.0),
    ],
)
def test_a_cost_is_the_sum_of_each_kind_of_tokens(usage: Usage, cost: float) -> None:
    assert PRICE.cost(usage) == pytest.approx(cost)


def test_without_their_own_prices_tokens_of_the_cache_cost_as_others() -> None:
    usage = Usage(1_000_000, 0, 300_000, cache_write_tokens=200_000)
    assert Price(input=2.0, output=1.0).cost(usage) == pytest.approx(2.0)
    assert Price(input=2.0, output=1.0, cached_input=0.0).cost(usage) == pytest.approx(1.4)


def test_the_price_of_a_long_prompt_is_that_of_its_tier() -> None:
    price = Price(
        input=1.0,
        output=1.0,
        above=((200_000, Price(input=2.0, output=2.0)), (500_000, Price(input=3.0, output=3.0))),
    )
    for prompt, each in ((200_000, 1), (200_001, 2), (500_001, 3)):
        assert price.cost(Usage(prompt, 0)) == pytest.approx(prompt * each / 1e6)


@pytest.mark.parametrize(
    ("models", "found"),
    [
        (["gpt-4o"], 1.0),
        (["gpt-4o-mini"], 3.0),
        (["gpt-4o-x"], 2.0),
        (["o3"], 4.0),
        (["unknown", "gpt-4o"], 4.0),
        ([], None),
    ],
)
def test_an_exact_name_wins_then_the_longest_pattern(
    models: list[str], found: float | None
) -> None:
    table = PriceTable(
        {
            "*": always(4.0),
            "gpt-4o*": always(2.0),
            "gpt-4o": always(1.0),
            "gpt-4o-m*": always(3.0),
        }
    )
    price = table.find(models, TODAY)
    assert (price and price.input) == found


def test_a_price_counts_from_its_day_on() -> None:
    rows = [
        DatedPrice(Price(input=2, output=2), date(2026, 11, 26)),
        DatedPrice(Price(input=1, output=1), date(2026, 1, 1)),
        DatedPrice(Price(input=3, output=3), date(2027, 1, 1)),
    ]
    table = PriceTable({"m*": rows, "*": always(9.0)})
    expected = {date(2025, 12, 31): 9, date(2026, 11, 25): 1, TODAY: 2, date(2027, 1, 1): 3}
    for day, amount in expected.items():
        price = table.find(["model"], day)
        assert price is not None
        assert price.input == amount
