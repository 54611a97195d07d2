"""What the CLI makes of the texts of tools before the model sees them.

Measured with 2.1.329: names, descriptions and schemas of MCP tools are normalised (NFKC), and
characters that are invisible, private or unassigned are removed: `…` becomes `...`, `ﬁ` becomes
`fi`, and an emoji of several loses its joiners. The system prompt is passed on unchanged.
"""

import unicodedata
from collections.abc import Mapping

# Format characters, private use, and code points that are not assigned.
REMOVED = frozenset({"Cf", "Co", "Cn"})


def as_shown(text: str) -> str:
    """Returns the text as the model sees it in the description or schema of a tool."""
    if text.isascii():
        return text
    kept = unicodedata.normalize("NFKC", text)
    return "".join(it for it in kept if unicodedata.category(it) not in REMOVED)


def is_shown_unchanged(value: object) -> bool:
    """Returns whether each text of a JSON value, also each name of a member, stays as it is.

    A loop instead of recursion, because clients control the depth.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and as_shown(item) != item:
            return False
        if isinstance(item, Mapping):
            waiting.extend((*item.keys(), *item.values()))
        elif isinstance(item, list | tuple):
            waiting.extend(item)
    return True


def units(text: str) -> int:
    """Returns the length in UTF-16 code units, in which the CLI counts."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, most: int) -> str:
    """Returns the longest beginning of at most `most` UTF-16 code units."""
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")
