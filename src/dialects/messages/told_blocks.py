"""Blocks that only Anthropic's API has, told as texts."""

from collections.abc import Mapping

from modegate.domain.conversation.message import TextPart
from modegate.domain.errors.catalogue import dialects, parameters

SEARCH_RESULT, TOOL_REFERENCE = "search_result", "tool_reference"
TOLD = frozenset({SEARCH_RESULT, TOOL_REFERENCE})


def told_part(block: Mapping[str, object], where: str) -> TextPart:
    """Returns a block of one of the types in `TOLD` as a text that ends with an empty line.

    A search result is its title, its source and its texts. A reference to a tool is its name: all
    tools are offered, also those that Anthropic's API would load only now.

    Raises:
        InvalidRequestError: a field is missing, or of a wrong type; `where` is the path to the block.
    """
    if block["type"] == TOOL_REFERENCE:
        return TextPart(f"Tool: {_string(block, 'tool_name', where)}\n\n")
    title, source = _string(block, "title", where), _string(block, "source", where)
    content, at = block.get("content"), f"{where}.content"
    if not isinstance(content, list):
        raise parameters.wrong_type(at, "a list of text blocks")
    texts = [_text(it, f"{at}[{i}]") for i, it in enumerate(content)]
    return TextPart("\n\n".join((f"{title}\nSource: {source}", *filter(None, texts), "")))


def _text(block: object, where: str) -> str:
    if not isinstance(block, Mapping) or block.get("type") != "text":
        raise dialects.unknown_kind(where, ("text",))
    return _string(block, "text", where)


def _string(block: Mapping[str, object], name: str, where: str) -> str:
    value = block.get(name)
    if not isinstance(value, str):
        raise parameters.wrong_type(f"{where}.{name}", "a string")
    return value
