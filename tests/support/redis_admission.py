"""Limiters of admission of several gateways on one store, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modegate.adapters.redis.admission_limiter import RedisAdmissionLimiter
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.domain.quota import KeyLimits, Limit
from support.redis import RedisServer

# Windows that no request leaves while a slow machine runs a test.
RATE, WIDE = Limit("contract", 30, 3600.0), Limit("address", 9_000, 3600.0)
PERMITS, MANY = KeyLimits("a", 3), KeyLimits("a", 1_000)


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisAdmissionLimiter]:
    """Opens the limiter of one gateway."""
    connection = RedisConnection(RedisOptions(server.url))
    limiter = RedisAdmissionLimiter(connection)
    try:
        yield limiter
    finally:
        await limiter.aclose()
        await connection.aclose()
