"""Budgets that several processes of one machine share."""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from modegate.adapters.sqlite.budget_tables import (
    balance_of,
    current_window,
    drop_expired,
    insert_account,
    missing_accounts,
    renew,
    reserve_all,
    settle_all,
)
from modegate.adapters.sqlite.condition import fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.migrations import BUDGETS
from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import Account, Balance, Charge
from modegate.domain.errors import StorageError
from modegate.domain.storage import StorageFault, storage_error

T = TypeVar("T")

FILE = "budgets.db"
# Reservations of a process that died are free again after at most this many seconds.
LEASE_S = 45.0
RENEWAL_S = 15.0


class SqliteBudgetLedger:
    """Holds the spending of all processes that share a folder.

    Every statement runs in one thread of the ledger's own, and every check with its change in one
    transaction. Reservations are leases, which a task renews while the process lives.
    """

    def __init__(self, folder: Path, history: SpendingHistory) -> None:
        self._history = history
        self._owner = uuid.uuid4().hex
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="budgets")
        self._file = DatabaseFile(folder / FILE, BUDGETS)
        self._renewing: asyncio.Task[None] | None = None
        self._closed = False

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Reserves all charges or none.

        Raises:
            InsufficientBudgetError: an account has less left than its charge.
            StorageError: the file cannot be used.
        """
        await self._load(charges)
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())

        def work(db: sqlite3.Connection) -> Sequence[Balance]:
            lease = (self._owner, time.time() + LEASE_S)
            return reserve_all(db, reservation, charges, lease)

        reserving = asyncio.create_task(self._run(work))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            await asyncio.wait({reserving})
            if not reserving.cancelled() and reserving.exception() is None:
                await self.settle(reservation, {})
            raise

    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        """Replaces a reservation by the real amounts. Idempotent.

        Raises:
            StorageError: the file cannot be used; the lease ends by itself.
        """
        settling = asyncio.create_task(self._run(lambda db: settle_all(db, reservation, amounts)))
        return await asyncio.shield(settling)

    async def balances(self, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Returns the balances of accounts."""
        await self._load(charges)

        def work(db: sqlite3.Connection) -> Sequence[Balance]:
            return [balance_of(db, it, current_window(db, it), time.time()) for it in charges]

        return await self._run(work)

    async def aclose(self) -> None:
        """Closes the file. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown()

    async def _load(self, charges: Sequence[Charge]) -> None:
        """Begins accounts that the file does not have with what they spent in the past."""
        for charge in await self._run(lambda db: missing_accounts(db, charges)):
            spent = await self._history.spent(charge.account, charge.window)
            await self._run(lambda db, it=charge, spent=spent: insert_account(db, it, spent))  # type: ignore[misc]

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_S)
            with suppress(StorageError):  # the next time may work, and requests report it
                await self._run(self._renew_in_thread)

    def _renew_in_thread(self, database: sqlite3.Connection) -> None:
        now = time.time()
        renew(database, self._owner, now + LEASE_S)
        drop_expired(database, now)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise storage_error(StorageFault.BROKEN)

        def in_thread() -> T:
            try:
                return work(self._file.open())
            except (sqlite3.Error, OSError) as error:
                fault = fault_in(error)
                if fault is StorageFault.BROKEN:  # a new file may work
                    self._file.close()
                raise storage_error(fault) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_thread)
