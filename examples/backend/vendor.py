"""A placeholder for your vendor's client, which repeats the prompt word by word."""

from collections.abc import AsyncGenerator, Sequence


class VendorError(Exception):
    """Raised by the client when the vendor fails."""


async def ask(model: str, system: str, messages: Sequence[str]) -> AsyncGenerator[str, None]:
    """Yields the answer in pieces; a real client sends an HTTP request here."""
    if not model:
        raise VendorError("no such model")
    for word in f"{system} You said: {messages[-1]}".split():
        yield f"{word} "
