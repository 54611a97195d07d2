"""The limits of admission of several processes of one machine."""

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.limit_tables import LIMITS, LimitTables
from modegate.adapters.sqlite.transactions import Step, Transactions
from modegate.domain.errors import GatewayError
from modegate.domain.quota import KeyLimits, Limit, Quota

FILE = "limits.db"
# Permits of a process that died are free after at most this many seconds.
LEASE_S = 8.0
RENEWAL_S = 2.0


class ReleaseStep(Step):
    """A release, which counts also if the file cannot be used. `freed` returns the permit's key."""

    __slots__ = ("freed",)

    def __init__(self, tables: LimitTables, freed: Callable[[], str | None]) -> None:
        super().__init__(lambda database: tables.release(database, freed()))
        self.freed = freed


class SqliteAdmissionLimiter:
    """Counts for all processes that share a folder. Permits are held under a lease of the process."""

    def __init__(self, folder: Path) -> None:
        self._tables = LimitTables(uuid.uuid4().hex)
        file = DatabaseFile(folder / FILE, LIMITS)
        self._transactions = Transactions(file, "limits", self._tables.save, self._on_failure)
        self._renewing: asyncio.Task[None] | None = None

    @property
    def taken(self) -> int:
        """The number of permits that this process holds, over all keys."""
        return sum(self._tables.held.copy().values())

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        """Counts a request of the address, and acquires a permit of the key.

        Raises:
            RateLimitError: a rate or the permits are exhausted.
            StorageError: the file cannot be used.
        """
        if self._renewing is None:  # the lease precedes the first permit
            self._renewing = asyncio.create_task(self._renew())
            self._transactions.add(Step(self._renew_in_thread))
        step = self._transactions.ask(
            lambda database: self._tables.admit(database, per_address, address, key)
        )
        try:
            return await _quota_of(step)
        except asyncio.CancelledError:
            if key is not None:  # what it got before this is released
                subject = key.subject
                self._add_release(lambda: subject if isinstance(step.outcome, Quota) else None)
            raise

    def release(self, subject: str) -> None:
        """Releases one of the permits of a key."""
        self._add_release(lambda: subject)

    async def record(self, limit: Limit, subject: str) -> Quota:
        """Counts one request of the subject and returns the remaining quota.

        Raises:
            RateLimitError: the limit is reached; the request is not counted.
            StorageError: the file cannot be used.
        """
        step = self._transactions.ask(
            lambda database: self._tables.admit(database, limit, subject, None)
        )
        return await _quota_of(step)

    async def peek(self, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota without counting a request."""
        step = self._transactions.ask(lambda database: self._tables.peek(database, limit, subject))
        return await _quota_of(step)

    async def aclose(self) -> None:
        """Releases all permits and closes the file. Idempotent."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
            self._renewing = None
            with suppress(GatewayError):  # the lease ends by itself
                await _outcome_of(self._transactions.ask(self._tables.leave))
        await self._transactions.aclose()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_S)
            self._transactions.add(Step(self._renew_in_thread))

    def _renew_in_thread(self, database: sqlite3.Connection) -> None:
        self._tables.renew(database, LEASE_S)

    def _add_release(self, freed: Callable[[], str | None]) -> None:
        self._transactions.add(ReleaseStep(self._tables, freed))

    def _on_failure(self, steps: Sequence[Step]) -> None:
        """Keeps what was held before, but for the releases; the next renewal sets the rows."""
        self._tables.revert()
        for step in steps:
            if isinstance(step, ReleaseStep):
                self._tables.forget(step.freed())


async def _outcome_of(step: Step) -> object:
    assert step.future is not None  # noqa: S101 - made by `ask`
    outcome: object = await step.future
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


async def _quota_of(step: Step) -> Quota:
    outcome = await _outcome_of(step)
    assert isinstance(outcome, Quota)  # noqa: S101 - the outcome of a count
    return outcome
