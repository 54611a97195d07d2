"""Pages of the list of models in Anthropic's form; pure.

Source: Anthropic's API reference, "List Models", 2026-11.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from modegate.dialects.model_lists import Object, anthropic_model
from modegate.domain.errors.catalogue import parameters
from modegate.domain.routing.listed_model import ListedModel
from modegate.lazy_dataclass import dataclass

CLAUDE = "claude"
LIMIT, AFTER, BEFORE = "limit", "after_id", "before_id"
DEFAULT_LIMIT, MAX_LIMIT = 20, 1000
WHOLE_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
CURSOR = "a name from the list"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    """At most `limit` models, after or before a name; without one, the first ones."""

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    before: str | None = None


def read_page(params: Mapping[str, str | Sequence[str]]) -> ModelPage:
    """Returns the page that the parameters of a query ask for; others are ignored.

    Raises:
        InvalidRequestError: a parameter is invalid, or both names are given.
    """
    after, before = _one(params, AFTER), _one(params, BEFORE)
    if after is not None and before is not None:
        raise parameters.wrong_type(BEFORE, f"absent where there is {AFTER}")
    return ModelPage(limit=_limit(_one(params, LIMIT)), after=after, before=before)


def anthropic_page(models: Iterable[ListedModel], page: ModelPage) -> Object:
    """Returns a page of the list: clients of the API know only names that begin with `claude`.

    `has_more` is told of the direction in which the pages are read.

    Raises:
        InvalidRequestError: the list has no such name as that of the page.
    """
    listed = [it for it in models if it.id.startswith(CLAUDE)]
    if page.before is not None:
        end = _place(listed, page.before, BEFORE)
        start = max(0, end - page.limit)
        has_more = start > 0
    else:
        start = 0 if page.after is None else _place(listed, page.after, AFTER) + 1
        end = start + page.limit
        has_more = end < len(listed)
    data = [anthropic_model(it) for it in listed[start:end]]
    return {
        "data": data,
        "has_more": has_more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def _one(params: Mapping[str, str | Sequence[str]], name: str) -> str | None:
    value = params.get(name)
    if not isinstance(value, str | None):
        raise parameters.wrong_type(name, "given once")
    return value


def _limit(given: str | None) -> int:
    if given is None:
        return DEFAULT_LIMIT
    limit = int(given) if WHOLE_NUMBER.fullmatch(given) else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise parameters.wrong_type(LIMIT, f"a whole number from 1 to {MAX_LIMIT}")
    return limit


def _place(listed: Sequence[ListedModel], name: str, parameter: str) -> int:
    for place, it in enumerate(listed):
        if it.id == name:
            return place
    raise parameters.wrong_type(parameter, CURSOR)
