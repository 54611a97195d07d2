"""The prices of the library."""

import pytest

from modegate.adapters.genai_prices.price_source import GenaiPrices
from modegate.testing.contracts.price_source import PriceSourceContract

NOVEMBER_2026 = 1_795_651_200.0


class TestGenaiPrices(PriceSourceContract):
    def source(self) -> GenaiPrices:
        return GenaiPrices()

    def known(self) -> tuple[str, str]:
        return "https://api.openai.com/v1", "gpt-4o"


@pytest.fixture(scope="module")
def prices() -> GenaiPrices:
    return GenaiPrices()


def test_a_price_has_all_kinds_of_tokens(prices: GenaiPrices) -> None:
    price = prices.find("https://api.openai.com/v1", "gpt-4o-2024-08-06", NOVEMBER_2026)
    assert price is not None
    assert (price.input, price.cached_input, price.output) == (2.5, 1.25, 10.0)


def test_a_long_prompt_has_its_own_price(prices: GenaiPrices) -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/openai"
    price = prices.find(url, "gemini-2.5-pro", NOVEMBER_2026)
    assert price is not None
    ((threshold, above),) = price.above
    assert threshold == 200_000
    assert above.input > price.input
    assert above.output > price.output


def test_at_an_unknown_address_the_name_of_the_model_tells_its_maker(prices: GenaiPrices) -> None:
    assert prices.find("http://127.0.0.1:9/v1", "gpt-4o", NOVEMBER_2026) is not None
    assert prices.find("http://127.0.0.1:9/v1", "our-model", NOVEMBER_2026) is None


def test_embeddings_cost_nothing_for_an_answer(prices: GenaiPrices) -> None:
    price = prices.find("https://api.openai.com/v1", "text-embedding-3-small", NOVEMBER_2026)
    assert price is not None
    assert price.input > 0
    assert price.output == 0
