"""The fields of a key as operators write them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from modegate.application.keys.fields import READERS, read_fields, with_fields
from modegate.domain.access.client_key import ClientKey
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.errors import InvalidRequestError

KEY = ClientKey(id="key_a", name="a", masked="****")
AT = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", " search ", "search"),
        ("models", ["sonnet", "gpt-4o*", "sonnet", "*"], ("sonnet", "gpt-4o*", "*")),
        (
            "modes",
            ["openai-passthrough", "claude-code", "claude-code"],
            ("claude-code", "openai-passthrough"),
        ),
        ("mode", "claude-code", "claude-code"),
        ("mode", None, None),
        ("expires_at", "2027-01-31T00:00:00Z", AT.timestamp()),
        ("expires_at", "2027-01-31T01:00:00+01:00", AT.timestamp()),
        ("expires_at", AT, AT.timestamp()),
        ("expires_at", int(AT.timestamp()), AT.timestamp()),
        ("rpm", 1, 1),
        ("tpm", 1_000_000_000, 1_000_000_000),
        ("concurrency", 50, 50),
        ("budget", {"usd": 20, "period": "week"}, Budget(20.0, None, Period.WEEK)),
        ("budget", {"tokens": 5, "usd": None}, Budget(None, 5, Period.MONTH)),
        ("enabled", False, False),
        ("models", None, ()),
        ("rpm", None, None),
        ("budget", None, None),
        ("enabled", None, True),
    ],
)
def test_valid_values_are_read(name: str, value: object, expected: object) -> None:
    assert read_fields({name: value}) == {name: expected}


WRONG: dict[str, list[Any]] = {
    "name": ["", " ", 1, "a\nb", "x" * 129, None],
    "models": [[], "sonnet", ["*a"], [""], [1], ["x" * 257], ["a"] * 257, {"a": 1}],
    "modes": [[], "claude-code", ["passthrough"], [1], [None]],
    "mode": ["", "passthrough", "Claude-Code", 1, True, ["claude-code"]],
    "expires_at": ["tomorrow", "2027-01-31", "2027-01-31T00:00:00", 0, -1, True, 1.7e12, [1]],
    "rpm": [0, -1, 1.0, True, "1", 10**10],
    "tpm": [0, True],
    "concurrency": [0, "5"],
    "budget": [
        *({}, [], 5, {"usd": 0}, {"usd": True}, {"usd": "5"}, {"tokens": 0.5}),
        *({"usd": 1, "period": "year"}, {"usd": 1, "period": 7}, {"usd": 1, "x": 1}),
        *({"usd": float("inf")}, {"period": "day"}),
    ],
    "enabled": [1, 0, "true"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_names_its_field(name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_fields({name: value})
    assert caught.value.param == name
    assert caught.value.message.startswith(f"'{name}' ")
    assert "must" in caught.value.message


def test_every_field_has_wrong_values_here() -> None:
    assert set(WRONG) == set(READERS)


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(InvalidRequestError, match=r"'limit' is not a field.*rpm") as caught:
        read_fields({"name": "a", "limit": 1})
    assert caught.value.param == "limit"


def test_fields_change_nothing_else() -> None:
    changed = with_fields(KEY, read_fields({"rpm": 5, "enabled": False}))
    assert changed == ClientKey(
        id="key_a", name="a", masked="****", enabled=False, rules=KeyRules(rpm=5)
    )
    assert with_fields(changed, read_fields({"rpm": None})).rules == KeyRules()


@pytest.mark.parametrize("mode", ["claude-code", "openai-passthrough"])
def test_the_mode_of_a_key_is_one_that_it_may_use(mode: str) -> None:
    assert with_fields(KEY, read_fields({"mode": mode})).rules == KeyRules(mode=mode)
    one = with_fields(KEY, read_fields({"mode": mode, "modes": [mode]}))
    assert one.rules == KeyRules(mode=mode, modes=(mode,))
    other = {"claude-code", "openai-passthrough"} - {mode}
    with pytest.raises(InvalidRequestError, match=mode) as caught:
        with_fields(one, read_fields({"mode": other.pop()}))
    assert caught.value.param == "mode"
