"""Typed access to the fields of the CLI's events."""

from collections.abc import Iterator, Mapping

Event = Mapping[str, object]


def child(event: Event, name: str) -> Event:
    """Returns a nested object; empty if there is none."""
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def text(event: Event, name: str) -> str | None:
    """Returns a non-empty string, or None."""
    value = event.get(name)
    return value if isinstance(value, str) and value else None


def number(event: Event, name: str) -> float:
    """Returns a positive number, or 0."""
    value = event.get(name)
    return value if isinstance(value, int | float) and value > 0 else 0


def count(event: Event, name: str) -> int:
    """Returns a positive number without its fraction, or 0."""
    return int(number(event, name))


def is_tool_call(event: Event) -> bool:
    """Returns whether the CLI asks for the result of a client's tool."""
    message = child(child(event, "request"), "message")
    return event.get("type") == "control_request" and message.get("method") == "tools/call"


def text_blocks(message: Event, kind: str = "text") -> Iterator[str]:
    """Yields the texts, or with `kind` "thinking" the reasoning, of a complete message."""
    blocks = message.get("content")
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict) and block.get("type") == kind and (found := text(block, kind)):
            yield found
