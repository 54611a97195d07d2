"""What the pipeline records of an answer."""

from contextlib import suppress

import pytest

from modegate.application.usage.metering import Metering, metered
from modegate.application.usage.pricing import Pricing
from modegate.domain.answer.events import Started, TextDelta
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.operation import Spending
from modegate.domain.routing.route import RelayRoute
from modegate.domain.usage.prices import DatedPrice, Price, PriceTable
from modegate.testing.answer_backend import ScriptedBackend, Step, says
from modegate.testing.clock import FakeClock
from modegate.testing.price_source import FakePriceSource
from modegate.testing.turns import answer_turn
from modegate.testing.upstreams import UPSTREAM

PRICE = Price(input=1_000_000, output=2_000_000)
METERING = Metering(Pricing(FakePriceSource({"known": PRICE}), FakeClock()))
PROMPT = Prompt.of_text("text", "system")
NONE = PriceTable()


@pytest.fixture
def record() -> RequestRecord:
    return RequestRecord()


@pytest.mark.parametrize(
    ("usage", "used", "cost", "version"),
    [
        (Usage(3, 4), "known", 11.0, "fake 1"),
        (Usage(3, 4), "unknown", None, None),
        (Usage(3, 4, cost_usd=0.5), "known", 0.5, "claude-cli"),
    ],
)
def test_a_turn_costs_what_the_cli_says_or_the_table(
    usage: Usage, used: str, cost: float | None, version: str | None, record: RequestRecord
) -> None:
    METERING.of_turn("sonnet", record, NONE)(usage, used)
    assert (record.usage, record.used_model) == (usage, used)
    assert (record.cost_usd, record.price_version) == (cost, version)


def test_a_relayed_answer_without_a_model_is_of_the_model_that_was_asked(
    record: RequestRecord,
) -> None:
    METERING.of_relay(RelayRoute(UPSTREAM, "known"), record, NONE)(Usage(1, 1), None)
    assert (record.used_model, record.cost_usd) == ("known", 3.0)


def test_pictures_have_the_operators_price_only(record: RequestRecord) -> None:
    route = RelayRoute(UPSTREAM, "known")
    METERING.of_relay(route, record, NONE, Spending.REPORTED)(Usage(1, 1), None)
    assert record.cost_usd is None
    own = PriceTable({"known": [DatedPrice(PRICE)]})
    METERING.of_relay(route, record, own, Spending.REPORTED)(Usage(1, 1), None)
    assert record.price_version == "settings"


def test_a_second_report_replaces_the_cost_of_the_first_one(record: RequestRecord) -> None:
    METERING.of_relay(RelayRoute(UPSTREAM, "known"), record, NONE)(Usage(1, 1), "known")
    METERING.of_relay(RelayRoute(UPSTREAM, "x"), record, NONE)(Usage(1, 1), "x")
    assert record.cost_usd is None
    assert record.price_version is None


async def reported(*script: Step, leaves_after: int = 99) -> list[Usage]:
    """Returns what is noted of a turn whose client leaves after so many events."""
    found: list[Usage] = []
    async with ScriptedBackend(*script).generate(answer_turn()) as raw:
        passing = metered(raw, lambda usage, _: found.append(usage), PROMPT)
        with suppress(OSError, StopAsyncIteration):
            for _ in range(leaves_after):
                await anext(passing)
        await passing.aclose()
    return found


async def test_a_complete_turn_has_the_usage_of_its_last_event() -> None:
    (usage,) = await reported(*says("Hello"))
    assert not usage.estimated


@pytest.mark.parametrize("last", [(), (OSError(),)])
async def test_a_turn_that_ends_early_is_estimated(last: tuple[Step, ...]) -> None:
    script = (Started(), TextDelta("a" * 8), TextDelta("ü" * 4), *last)
    assert await reported(*script, leaves_after=3 + len(last)) == [Usage(4, 4, estimated=True)]


async def test_a_turn_that_never_began_has_used_nothing() -> None:
    assert await reported(OSError()) == []
