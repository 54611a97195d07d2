"""An HTTP/1.1 client on asyncio and httptools; it depends on no other part of modegate."""
