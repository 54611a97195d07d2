"""The CLI's events, as far as an answer depends on them."""

from collections.abc import Iterator, Mapping

Event = Mapping[str, object]


def child(event: Event, name: str) -> Event:
    """A nested object, empty where there is none."""
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def text(event: Event, name: str) -> str | None:
    """A string that is not empty, or None."""
    value = event.get(name)
    return value if isinstance(value, str) and value else None


def number(event: Event, name: str) -> float:
    """A number that is not negative, or 0."""
    value = event.get(name)
    return value if isinstance(value, int | float) and value > 0 else 0


def count(event: Event, name: str) -> int:
    """The same, without its fraction."""
    return int(number(event, name))


def text_blocks(message: Event) -> Iterator[str]:
    """The texts of a whole message."""
    blocks = message.get("content")
    for block in blocks if isinstance(blocks, list) else ():
        if (
            isinstance(block, dict)
            and block.get("type") == "text"
            and (found := text(block, "text"))
        ):
            yield found
