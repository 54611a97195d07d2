"""Pages of models, as Anthropic's API has them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.model_pages import ModelPage, anthropic_page, read_page
from modegate.domain.errors import InvalidRequestError
from modegate.domain.routing.listed_model import ListedModel

NAMES = [f"claude-{number}" for number in range(7)]
MODELS = [
    ListedModel(id=it, owner="a") for name in NAMES for it in (name, name.replace("claude", "gpt"))
]


def page(**given: Any) -> tuple[list[str], bool]:
    told: Any = anthropic_page(MODELS, ModelPage(**given))
    ids = [it["id"] for it in told["data"]]
    assert (told["first_id"], told["last_id"]) == ((ids or [None])[0], (ids or [None])[-1])
    return ids, told["has_more"]


@given(st.integers(1, 9))
def test_pages_in_both_directions_have_each_model_once(limit: int) -> None:
    forward, has_more = page(limit=limit)
    while has_more:
        more, has_more = page(limit=limit, after=forward[-1])
        forward += more
    assert forward == NAMES
    backward, has_more = page(limit=limit, before=NAMES[-1])
    while has_more:
        more, has_more = page(limit=limit, before=backward[0])
        backward = more + backward
    assert backward == NAMES[:-1]


def test_the_ends_of_the_list_have_empty_pages() -> None:
    assert page(after=NAMES[-1]) == ([], False)
    assert page(before=NAMES[0]) == ([], False)
    assert anthropic_page([], ModelPage())["data"] == []


def test_the_default_is_that_of_anthropics_api() -> None:
    assert read_page({"x": "y"}) == ModelPage(limit=20)
    assert read_page({"limit": "1000", "after_id": "a"}) == ModelPage(limit=1000, after="a")
    assert read_page({"limit": "1", "before_id": "a"}) == ModelPage(limit=1, before="a")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "", "x", "\u0663", "9" * 5000])
def test_other_limits_are_invalid(limit: str) -> None:
    with pytest.raises(InvalidRequestError, match="a whole number from 1 to 1000") as caught:
        read_page({"limit": limit})
    assert caught.value.param == "limit"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"after_id": "a", "before_id": "b"}, "before_id"),
        ({"after_id": ["a", "b"]}, "after_id"),
        ({"limit": ["1", "2"]}, "limit"),
    ],
)
def test_contradictions_are_invalid(params: Any, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_page(params)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("unknown", ["claude-9", "gpt-1", ""])
def test_a_name_that_is_not_in_the_list_is_invalid(name: str, unknown: str) -> None:
    with pytest.raises(InvalidRequestError, match="a name from the list") as caught:
        page(**{name: unknown})
    assert caught.value.param == f"{name}_id"
