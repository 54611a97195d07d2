"""The parts of a message."""

from collections.abc import Iterable
from itertools import groupby

from modegate.domain.conversation.message import Part, TextPart


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Returns the parts in order; texts that follow each other are one, and empty ones none."""
    found: list[Part] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, TextPart)):
        if not is_text:
            found += group
        elif text := "".join(part.text for part in group if isinstance(part, TextPart)):
            found.append(TextPart(text))
    return tuple(found)
