"""Items of a request that stand for items of earlier responses.

SDKs that expect responses to be stored send such items in place of the answers of a tool loop:
Vercel's `openai` provider does so by default (6.0, November 2026).
"""

import json
from collections.abc import Mapping, Sequence

from modegate.dialects.responses.dialect import ResponsesDialect
from modegate.dialects.responses.response import ID_PREFIX, ITEM_PREFIXES
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame

INPUT, REFERENCE = "input", "item_reference"
PREVIOUS = "previous_response_id"


def references_of(params: Mapping[str, object]) -> dict[int, str]:
    """Returns the ids that the items of `input` refer to, by the places of these items."""
    items = params.get(INPUT)
    return {
        place: str(it.get("id"))
        for place, it in enumerate(items if isinstance(items, list) else ())
        if isinstance(it, Mapping) and it.get("type") == REFERENCE
    }


def goes_on_from_kept(params: Mapping[str, object]) -> bool:
    """Returns whether the request goes on from a response that gateways keep, by its id."""
    if str(params.get(PREVIOUS)).startswith(ID_PREFIX):
        return True
    return any(response_of_item(it) is not None for it in references_of(params).values())


def response_of_item(item_id: str) -> str | None:
    """Returns the id of the response that an item belongs to; None for an id of another kind."""
    for prefix in ITEM_PREFIXES.values():
        if item_id.startswith(prefix):
            return ID_PREFIX + item_id.removeprefix(prefix).rpartition("_")[0]
    return None


def items_of(frame: AnswerFrame, completion: Completion) -> dict[str, object]:
    """Returns the items of a response by their ids."""
    response = json.loads(ResponsesDialect().complete(frame, completion))
    return {str(it["id"]): it for it in response["output"]}


def with_items(params: Mapping[str, object], items: Mapping[int, object]) -> dict[str, object]:
    """Returns the parameters with some items of `input` replaced, by their places."""
    given = params[INPUT]
    listed: Sequence[object] = given if isinstance(given, list) else ()
    return {**params, INPUT: [items.get(place, it) for place, it in enumerate(listed)]}
