import json

import pytest

from modegate.dialects.usage.rows import DamagedRowError, line_of, parse_line, row_object
from modegate.dialects.usage.sums import SUM_COLUMNS, usage_csv, usage_object
from modegate.domain.usage.query import Group, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import Sums, UsageGroup
from modegate.testing.contracts.usage_ledger import FULL

DAY, HOUR = 20_782, 20_782 * 24 + 5  # 2026-11-25
SUMS = Sums(3, 1, 30, 8, 0, 21, 0, 1_200_000, 3, 0, 0)


def query(*groups: Group) -> UsageQuery:
    return UsageQuery(start_ms=1_000_000, end_ms=2_000_500, groups=groups)


def test_sums_have_the_agreed_form() -> None:
    found = [UsageGroup(("gpt-4o", DAY), SUMS)]
    assert usage_object(query(Group.MODEL, Group.DAY), found) == {
        "object": "list",
        "from": 1000,
        "to": 2000.5,
        "group_by": ["model", "day"],
        "data": [
            {
                "model": "gpt-4o",
                "day": "2026-11-25",
                "requests": 3,
                "errors": 1,
                "prompt_tokens": 30,
                "cached_tokens": 8,
                "cache_write_tokens": 0,
                "completion_tokens": 21,
                "reasoning_tokens": 0,
                "total_tokens": 51,
                "cost_usd": 0.0012,
                "unpriced_requests": 0,
                "estimated_requests": 0,
            }
        ],
    }


def test_an_unknown_cost_is_null_and_that_of_nothing_is_zero() -> None:
    found = [UsageGroup((), Sums(requests=1, unpriced=1)), UsageGroup((), Sums())]
    answer = json.loads(json.dumps(usage_object(query(), found)))
    assert [it["cost_usd"] for it in answer["data"]] == [None, 0]


def test_csv_has_the_same_columns() -> None:
    found = [
        UsageGroup((None, HOUR), SUMS),
        UsageGroup(('=cmd|"x",', HOUR), Sums(requests=1, unpriced=1)),
    ]
    lines = usage_csv(query(Group.MODEL, Group.HOUR), found).decode().split("\r\n")
    assert lines == [
        ",".join(("model", "hour", *SUM_COLUMNS)),
        ",2026-11-25T05:00:00Z,3,1,30,8,0,21,0,51,0.0012,0,0",
        '"\'=cmd|""x"",",2026-11-25T05:00:00Z,1,0,0,0,0,0,0,0,,1,0',
        "",
    ]


@pytest.mark.parametrize("row", [FULL, UsageRow(FULL.id, cost_nano_usd=1, seconds=0.1 + 0.2)])
def test_a_line_is_the_row_again(row: UsageRow) -> None:
    line = line_of(row)
    assert line.endswith(b"}\n")
    assert parse_line(line) == row
    later = json.loads(line) | {"mood": "good"}
    assert parse_line(json.dumps(later).encode()) == row


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "12"}, "'id' is not the id of a row"),
        ({"id": 5}, "'id' is not the id of a row"),
        ({"id": "f" * 16}, "'id' is not the id of a row"),
        ({"id": "0" * 16}, "'id' is not the id of a row"),
        ({"model": 5}, "'model' is not text"),
        ({"prompt_tokens": -1}, "'prompt_tokens' is not a whole number from 0 to 17179869183"),
        ({"prompt_tokens": True}, "'prompt_tokens' is not a whole number from 0 to 17179869183"),
        ({"status": 1000}, "'status' is not a whole number from 0 to 999"),
        ({"cost_usd": "1"}, "'cost_usd' is not a number from 0"),
        ({"duration_seconds": None}, "'duration_seconds' is not a number from 0"),
        ({"estimated": 0}, "'estimated' is neither true nor false"),
        ({"attempts": {}}, "'attempts' is not a list"),
        ({"attempts": [5]}, "'credential' is missing"),
        ({"attempts": [{"credential": 1, "code": ""}]}, "'attempts' has a value that is not text"),
    ],
)
def test_a_damaged_line_is_reported(change: dict[str, object], reason: str) -> None:
    with pytest.raises(DamagedRowError) as damaged:
        parse_line(json.dumps(row_object(FULL) | change).encode())
    assert str(damaged.value) == reason


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff", b'{"id": "00"}', b"{}"])
def test_what_is_no_row_is_reported(line: bytes) -> None:
    with pytest.raises(DamagedRowError):
        parse_line(line)
