"""Pure domain objects and rules: standard library only, no I/O, no asyncio, no logging."""
