"""Stands for your vendor's client: it says again what it was told, word by word."""

from collections.abc import AsyncGenerator, Sequence


class VendorError(Exception):
    """What the client raises when the vendor fails."""


async def ask(model: str, system: str, messages: Sequence[str]) -> AsyncGenerator[str, None]:
    """The answer's pieces; an HTTP client would send a request here, and read its events."""
    if not model:
        raise VendorError("no such model")
    for word in f"{system} You said: {messages[-1]}".split():
        yield f"{word} "
