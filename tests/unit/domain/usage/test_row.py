import math

import pytest

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.domain.usage.row import (
    MAX_TOKENS,
    NUMBERS,
    UsageRow,
    first_id,
    next_id,
    row_id,
    row_of,
)
from modegate.domain.usage.sums import Sums

NOW_S = 1_767_268_800.1234


def a_record(**fields: object) -> RequestRecord:
    record = RequestRecord(
        method="POST",
        route="/v1/chat/completions",
        request_id="mine",
        key="sk-****",
        key_id="env-1",
        upstream="openai",
        credential="env",
        mode=Mode.PASSTHROUGH,
        model="gpt-4o",
        used_model="gpt-4o-2024-08-06",
        session="s",
        conversation="c",
        agent="a",
        parent_agent="p",
        subagent="review",
        status=200,
        usage=Usage(30, 21, 8, True, 2, 5),  # noqa: FBT003 - `estimated`
        cost_usd=0.0012,
        price_version="v1",
        error="stream_error",
        first_token=0.5,
        seconds=1.25,
    )
    for name, value in fields.items():
        setattr(record, name, value)
    return record


def test_a_row_has_what_the_record_has() -> None:
    record = a_record()
    record.add_attempt(FailedAttempt("other", "upstream_error", 429, 0.25))
    assert row_of(record, 7) == UsageRow(
        id=7,
        key="env-1",
        model="gpt-4o",
        used_model="gpt-4o-2024-08-06",
        upstream="openai",
        credential="env",
        mode="openai-passthrough",
        endpoint="/v1/chat/completions",
        request_id="mine",
        session="s",
        conversation="c",
        agent="a",
        parent_agent="p",
        subagent="review",
        prompt_tokens=30,
        cached_tokens=8,
        cache_write_tokens=2,
        completion_tokens=21,
        reasoning_tokens=5,
        cost_nano_usd=1_200_000,
        price_version="v1",
        status=200,
        error="stream_error",
        seconds=1.25,
        first_token_s=0.5,
        estimated=True,
        attempts=(FailedAttempt("other", "upstream_error", 429, 0.25),),
    )


def test_a_request_of_claude_code_has_the_names_of_the_admin_api() -> None:
    row = row_of(a_record(mode=Mode.CLAUDE_CODE, upstream=None, credential=None), 7)
    assert (row.upstream, row.credential, row.mode) == ("claude", "claude", "claude-code")
    assert (row.model, row.endpoint) == ("gpt-4o", "/v1/chat/completions")


def test_a_request_without_usage_has_no_tokens_and_no_cost() -> None:
    row = row_of(a_record(usage=None, cost_usd=None), 7)
    assert (row.prompt_tokens, row.completion_tokens, row.cost_nano_usd) == (0, 0, None)
    assert row.estimated is False


def test_impossible_figures_are_bounded() -> None:
    row = row_of(a_record(usage=Usage(2**70, -5, 3)), 7)
    assert (row.prompt_tokens, row.completion_tokens, row.cached_tokens) == (MAX_TOKENS, 0, 3)
    for cost in (math.nan, math.inf, -1.0):
        assert row_of(a_record(cost_usd=cost), 7).cost_nano_usd is None
    assert row_of(a_record(cost_usd=0.0), 7).cost_nano_usd == 0


def test_ids_have_the_time_and_any_number() -> None:
    first, second = row_id(NOW_S, 3), row_id(NOW_S, NUMBERS + 4)
    assert second == first + 1
    assert UsageRow(first).time_ms == 1_767_268_800_123
    assert first_id(1_767_268_800_123) < first < first_id(1_767_268_800_124)
    assert row_id(4_000_000_000.0, 2**40 - 1) < 2**63
    assert first_id(253_402_300_799_000) == 2**63 - 1


def test_the_next_id_is_in_the_same_millisecond_and_depends_on_the_row_alone() -> None:
    row = UsageRow(row_id(NOW_S, NUMBERS - 1), model="\ud800", mode=Mode.PASSTHROUGH)
    other = next_id(row)
    assert other != row.id
    assert UsageRow(other).time_ms == row.time_ms
    assert next_id(row._replace(mode="openai-passthrough")) == other
    assert next_id(row._replace(model="x")) != other


@pytest.mark.parametrize(
    ("row", "is_error", "is_unpriced"),
    [
        (UsageRow(1), False, True),
        (UsageRow(1, cost_nano_usd=0), False, False),
        (UsageRow(1, status=429), True, False),
        (UsageRow(1, status=499, prompt_tokens=1), True, True),
        (UsageRow(1, error="stream_error", cost_nano_usd=5), True, False),
    ],
)
def test_errors_and_unknown_prices(row: UsageRow, is_error: bool, is_unpriced: bool) -> None:
    assert (row.is_error, row.is_unpriced) == (is_error, is_unpriced)
    sums = Sums.of(row)
    assert (sums.errors, sums.unpriced) == (is_error, is_unpriced)
    assert sums.priced == (row.cost_nano_usd is not None)
