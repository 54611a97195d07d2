"""The TLS settings of the client."""

import asyncio
import ssl


class TlsContext:
    """A given context, or the system's authorities.

    These are also named by `SSL_CERT_FILE` and `SSL_CERT_DIR`. They are read in a thread by the first
    TLS connection, because that takes tens of milliseconds.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context

    async def get(self) -> ssl.SSLContext:
        """Returns the context; all connections share it."""
        if self._context is None:
            self._context = await asyncio.to_thread(_load)
        return self._context


def _load() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
