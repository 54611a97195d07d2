import pytest

from modegate.adapters.memory.usage_ledger import MemoryUsageLedger
from modegate.application.usage.query import QueryUsage
from modegate.domain.errors import InvalidRequestError
from modegate.domain.usage.query import CLIENT_FILTERS, CLIENT_GROUPS, FILTERS, Group
from modegate.entrypoints.http.resources.usage_parameters import (
    read_format,
    read_requests_query,
    read_time,
    read_usage_query,
)
from modegate.testing.clock import FakeClock

NOV_1 = 1_793_491_200_000
USAGE = QueryUsage(ledger=MemoryUsageLedger(), clock=FakeClock(NOV_1 / 1000))


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2026-11-01", NOV_1),
        ("2026-11-01T00:00:00Z", NOV_1),
        ("2026-11-01t00:00:00z", NOV_1),
        ("2026-11-01 00:00:00.25Z", NOV_1 + 250),
        ("2026-11-01T02:00:00+02:00", NOV_1),
        ("2026-11-01T02:00:00 02:00", NOV_1),  # a plus that was not percent-encoded
        ("2026-10-31T18:30:00-05:30", NOV_1),
        ("2026-11-01T00:00:00.0001Z", NOV_1 + 1),
        ("1793491200", NOV_1),
        ("1793491200.5", NOV_1 + 500),
        ("1793491200.0001", NOV_1 + 1),
        ("0", 0),
        ("1970-01-01", 0),
    ],
)
def test_times_are_dates_rfc_3339_or_unix_seconds(text: str, time_ms: int) -> None:
    assert read_time("from", text) == time_ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2026-13-01", "2026-02-30", "2026-11-01T00:00:00", "2026-11-01T25:00:00Z"),
        *("2026-11-01T00:00Z", "-5", "1e9", "99999999999", "20261101T000000Z", "1969-12-31"),
        *(
            "\u0662026-11-01",
            "2026-11-01T00:00:00+99:00",
            "2026-W01-1",
            " 5",
            "5\n",
            "2026-11-01\n",
        ),
    ],
)
def test_other_times_are_refused_with_the_parameters_name(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_time("since", text)
    assert refused.value.param == "since"
    assert "Unix seconds" in refused.value.message


def test_a_query_has_groups_and_filters_in_order() -> None:
    given = {"from": "0", "to": "5", "group_by": "day, key", "key": "a", "session": "s"}
    query = read_usage_query(given, USAGE, tuple(Group), FILTERS)
    assert (query.start_ms, query.end_ms) == (0, 5000)
    assert query.groups == (Group.DAY, Group.KEY)
    assert query.filters == {Group.KEY: "a", Group.SESSION: "s"}


def test_the_defaults_are_thirty_days_and_one_sum() -> None:
    query = read_usage_query({}, USAGE, tuple(Group), FILTERS)
    assert (query.start_ms, query.end_ms) == (NOV_1 - 30 * 86_400_000, NOV_1 + 1000)
    assert query.groups == ()
    earlier = read_usage_query({"to": "2026-10-31"}, USAGE, tuple(Group), FILTERS)
    assert earlier.start_ms == NOV_1 - 31 * 86_400_000


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"from": "x"}, "from"),
        ({"to": "x"}, "to"),
        ({"from": "5", "to": "5"}, "to"),
        ({"from": "2030-01-01"}, "to"),
        ({"group_by": "key,"}, "group_by"),
        ({"group_by": "key,key"}, "group_by"),
        ({"group_by": "colour"}, "group_by"),
        ({"group_by": "Day"}, "group_by"),
    ],
)
def test_a_wrong_query_is_refused(given: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_usage_query(given, USAGE, tuple(Group), FILTERS)
    assert refused.value.param == param


def test_a_client_sees_no_keys_upstreams_or_credentials() -> None:
    hidden = {Group.KEY, Group.UPSTREAM, Group.CREDENTIAL}
    assert set(CLIENT_GROUPS) == set(Group) - hidden
    assert set(CLIENT_FILTERS) == set(FILTERS) - hidden


def test_the_last_requests_are_chosen() -> None:
    query = read_requests_query({})
    assert (query.limit, query.since_ms, query.statuses) == (100, 0, None)
    query = read_requests_query(
        {"limit": "5", "since": "7", "status": "4xx", "key": "k", "id": "r"}
    )
    assert (query.limit, query.since_ms, query.statuses) == (5, 7000, (400, 499))
    assert (query.key, query.request_id) == ("k", "r")
    assert read_requests_query({"status": "429"}).statuses == (429, 429)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", it) for it in ("0", "1001", "x", "-1", "1.5", "9" * 5000, "\u0665")),
        *(("status", it) for it in ("0xx", "4", "4XX", "44x", "1000", "x")),
        ("since", "yesterday"),
    ],
)
def test_wrong_choices_are_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_requests_query({name: value})
    assert refused.value.param == name


def test_the_format_is_json_or_csv() -> None:
    assert (read_format({}), read_format({"format": "csv"})) == ("json", "csv")
    with pytest.raises(InvalidRequestError, match="'format' must be one of json, csv"):
        read_format({"format": "xml"})
