"""Budgets of all gateways that share a store."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from modegate.adapters.redis.batcher import Batcher, Entry
from modegate.adapters.redis.budget_entries import Begin, Held, Look, Renew, Reserve, Settle
from modegate.adapters.redis.budget_script import REFUSED, RESERVED, SOURCE
from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import Account, Balance, Charge, InsufficientBudgetError
from modegate.domain.budgets.window import Window

# Reservations of a gateway that died are dropped after at most this many seconds.
LEASE_S = 30.0
RENEWAL_S = 5.0
# Live gateways call at least every `RENEWAL_S`; a longer pause means that the store was away.
LONGEST_PAUSE_S = 10.0
# What a failed call left behind is settled this soon after the store is back.
RETRY_S = 0.25
STATE = f"{PREFIX}budgets"
SETTINGS = (int(LEASE_S * 1000), int(LONGEST_PAUSE_S * 1000))


class RedisBudgetLedger:
    """Holds the spending of all gateways. Each check and its change are one step of the store.

    An account that the store does not have is set from the history, once. A settlement that fails is
    repeated until the store has it; repeating it changes nothing. Reservations are leases on the time
    of the server.
    """

    def __init__(self, connection: RedisConnection, history: SpendingHistory) -> None:
        self._connection = connection
        self._history = history
        self._script = Script(SOURCE)
        self._batcher = Batcher(self._send)
        self._open: dict[str, Held] = {}
        self._owed: list[Settle] = []
        self._renewing: asyncio.Task[None] | None = None

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Reserves all charges or none.

        Raises:
            InsufficientBudgetError: an account has less left than its charge.
            StorageError: the store does not answer, or the history cannot be read.
        """
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        while True:
            reply = await self._reserve(reservation, charges)
            if reply[0] == RESERVED:
                return list(map(_balance, charges, _triples(reply[1:])))
            if reply[0] == REFUSED:
                charge = charges[reply[1]]
                raise InsufficientBudgetError(_balance(charge, reply[2:]))
            await self._load(charges[reply[1]])

    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        """Replaces a reservation by the real amounts. Idempotent.

        Raises:
            StorageError: the store does not answer; it gets the amounts when it is back.
        """
        held = self._open.pop(reservation, None)
        if held is None:
            return {}
        used = {it: amounts.get(it, 0) for it in held.amounts}
        entry = Settle(reservation, used, self._owed.append)
        self._batcher.add(entry)
        reply = await entry.future
        return {it: used for it, used in zip(held.amounts, reply, strict=True) if used >= 0}

    async def balances(self, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Returns the balances of accounts.

        Raises:
            StorageError: the store does not answer, or the history cannot be read.
        """
        while True:
            entry = Look([it.account for it in charges])
            self._batcher.add(entry)
            found = _triples(await entry.future)
            missing = [it for it, known in zip(charges, found, strict=True) if known[0] < 0]
            if not missing:
                return list(map(_current, charges, found))
            for charge in missing:
                await self._load(charge)

    async def aclose(self) -> None:
        """Sends what is owed, and ends the renewals. Idempotent."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        self._add_owed()
        await self._batcher.flush()

    async def _reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[int]:
        if self._owed:
            self._add_owed()
        entry = Reserve(reservation, charges, self._note)
        self._batcher.add(entry)
        try:
            reply: Sequence[int] = await entry.future
        except asyncio.CancelledError:
            held = self._open.pop(reservation, None)
            if held is not None:  # it was made in the same turn
                self._batcher.add(self._undoing(reservation, list(held.amounts)))
            raise
        return reply

    async def _load(self, charge: Charge) -> None:
        """Begins an account with what it spent in the past, and restores its reservations."""
        spent = await self._history.spent(charge.account, charge.window)
        entry = Begin(charge.account, charge.window, spent)
        self._batcher.add(entry)
        for held in self._open.values():
            if charge.account in held.amounts:
                held.is_missing = True
                self._batcher.add(Renew(held))
        await entry.future

    def _note(self, entry: Reserve, reply: Sequence[int] | None) -> None:
        if reply is not None and reply[0] != RESERVED:
            return
        accounts = [it.account for it in entry.charges]
        if reply is None:
            self._owed.append(self._undoing(entry.reservation, accounts))
        elif entry.is_abandoned():
            self._batcher.add_first([self._undoing(entry.reservation, accounts)])
        else:
            amounts = {
                charge.account: (start, charge.amount)
                for charge, (start, _, _) in zip(entry.charges, _triples(reply[1:]), strict=True)
            }
            self._open[entry.reservation] = Held(entry.reservation, amounts)

    def _undoing(self, reservation: str, accounts: Sequence[Account]) -> Settle:
        amounts = dict.fromkeys(accounts, 0)
        return Settle(reservation, amounts, self._owed.append, is_lasting=False)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RETRY_S if self._owed else RENEWAL_S)
            self._add_owed()
            for held in self._open.values() or (Held("", {}),):
                self._batcher.add(Renew(held))

    def _add_owed(self) -> None:
        """Sends failed settlements again; not those that only end a lease that has ended."""
        limit = time.monotonic() - 2 * LEASE_S
        owed = [it for it in self._owed if it.is_lasting or it.began > limit]
        self._owed.clear()
        self._batcher.add_first(owed)

    async def _send(self, batch: Sequence[Entry]) -> Sequence[Any]:
        keys = [STATE, *chain.from_iterable(it.keys for it in batch)]
        arguments = [*SETTINGS, *chain.from_iterable(it.arguments for it in batch)]
        replies: Sequence[Any] = await self._connection.run(self._script, keys, arguments)
        return replies


def _triples(numbers: Sequence[int]) -> Sequence[Sequence[int]]:
    return [numbers[at : at + 3] for at in range(0, len(numbers), 3)]


def _balance(charge: Charge, found: Sequence[int]) -> Balance:
    start, end, used = found
    return Balance(charge.account, Window(start, end), charge.limit, used)


def _current(charge: Charge, found: Sequence[int]) -> Balance:
    """Returns the balance in the window of a charge, which may begin later than the known one."""
    if charge.window.start > found[0]:
        return Balance(charge.account, charge.window, charge.limit, 0)
    return _balance(charge, found)
