"""A thread that runs all statements on one database."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from modegate.adapters.sqlite.condition import fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.domain.storage import StorageFault, storage_error

T = TypeVar("T")


class DatabaseThread:
    """Runs work in the order of the calls. A commit survives the end of the process."""

    def __init__(self, file: DatabaseFile, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._file = file
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Returns what `work` does with the open database; a cancellation does not interrupt it.

        Raises:
            StorageError: the database cannot be used, or was changed by hand.
        """
        return await self.call(lambda: work(self._file.open()))

    async def call(self, work: Callable[[], T]) -> T:
        """Returns what `work` does, as `run`, without opening the database.

        Raises:
            StorageError: a file cannot be used, or was changed by hand.
        """
        if self._closed:
            raise storage_error(StorageFault.BROKEN)

        def in_thread() -> T:
            try:
                return work()
            except (sqlite3.Error, OSError) as error:
                fault = fault_in(error)
                if fault is StorageFault.BROKEN:  # a new file may work
                    self._file.close()
                raise storage_error(fault) from error
            except (AttributeError, KeyError, TypeError, ValueError) as error:  # changed by hand
                raise storage_error(StorageFault.BROKEN) from error

        running = asyncio.get_running_loop().run_in_executor(self._thread, in_thread)
        return await asyncio.shield(running)  # a cancelled write is stored all the same

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
            self._thread.shutdown()
