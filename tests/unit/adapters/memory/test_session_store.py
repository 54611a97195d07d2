from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.testing.contracts.session_store import SessionStoreContract


class TestMemorySessionStore(SessionStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[MemorySessionStore]:
        yield MemorySessionStore()
