"""Encodes server-sent events."""

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def event(data: bytes) -> bytes:
    """Returns one server-sent event."""
    return b"data: %b\n\n" % data
