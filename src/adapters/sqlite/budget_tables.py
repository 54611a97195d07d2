"""The statements on the tables of budgets; each check and its change are one transaction."""

import sqlite3
import time
from collections.abc import Mapping, Sequence

from modegate.domain.budgets.account import Account, Balance, Charge, InsufficientBudgetError, Unit
from modegate.domain.budgets.window import Period, Window

WINDOW_OF = """
SELECT window_start, window_end FROM accounts WHERE subject = ? AND unit = ? AND period = ?
"""
BEGIN_WINDOW = """
UPDATE accounts SET window_start = ?, window_end = ?, spent = 0
WHERE subject = ? AND unit = ? AND period = ? AND window_start < ?
"""
SPEND = """
UPDATE accounts SET spent = spent + ?
WHERE subject = ? AND unit = ? AND period = ? AND window_start = ?
"""
SPENT = """
SELECT coalesce(sum(spent), 0) FROM accounts
WHERE subject = ? AND unit = ? AND period = ? AND window_start = ?
"""
RESERVED = """
SELECT coalesce(sum(amount), 0) FROM reservations
WHERE subject = ? AND unit = ? AND period = ? AND window_start = ? AND deadline >= ?
"""


def missing_accounts(database: sqlite3.Connection, charges: Sequence[Charge]) -> Sequence[Charge]:
    """Returns the charges of accounts that have no row."""
    return [it for it in charges if _window(database, it.account) is None]


def insert_account(database: sqlite3.Connection, charge: Charge, spent: int) -> None:
    """Begins an account; another process may have done it already, and used it."""
    window = charge.window
    database.execute(
        "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, ?, ?)",
        (*_key(charge.account), window.start, window.end, spent),
    )


def reserve_all(
    database: sqlite3.Connection,
    reservation: str,
    charges: Sequence[Charge],
    lease: tuple[str, float],
) -> Sequence[Balance]:
    """Reserves all charges or none; `lease` is its owner, and its end in Unix seconds.

    Raises:
        InsufficientBudgetError: an account has less left than its charge.
    """
    with database:
        database.execute("BEGIN IMMEDIATE")
        now = time.time()
        windows = [_begin_window(database, it) for it in charges]
        for charge, window in zip(charges, windows, strict=True):
            balance = balance_of(database, charge, window, now)
            if charge.amount > charge.limit - balance.used:
                raise InsufficientBudgetError(balance)
        database.executemany(
            "INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*_key(it.account), reservation, window.start, it.amount, *lease)
                for it, window in zip(charges, windows, strict=True)
            ],
        )
        return [
            balance_of(database, it, window, now)
            for it, window in zip(charges, windows, strict=True)
        ]


def settle_all(
    database: sqlite3.Connection, reservation: str, amounts: Mapping[Account, int]
) -> Mapping[Account, int]:
    """Replaces a reservation by the real amounts; returns what each account used."""
    used = {}
    with database:
        database.execute("BEGIN IMMEDIATE")
        rows = database.execute(
            "DELETE FROM reservations WHERE id = ? RETURNING subject, unit, period, window_start",
            (reservation,),
        ).fetchall()
        for subject, unit, period, start in rows:
            account = Account(subject, Unit(unit), Period(period))
            database.execute(SPEND, (amounts.get(account, 0), *_key(account), start))
            window = _window(database, account)
            if window is not None:
                used[account] = _used(database, account, window, time.time())
    return used


def renew(database: sqlite3.Connection, owner: str, deadline: float) -> None:
    """Sets the deadline of all reservations of an owner."""
    database.execute("UPDATE reservations SET deadline = ? WHERE owner = ?", (deadline, owner))


def drop_expired(database: sqlite3.Connection, now: float) -> None:
    """Deletes reservations of processes that died."""
    database.execute("DELETE FROM reservations WHERE deadline < ?", (now,))


def current_window(database: sqlite3.Connection, charge: Charge) -> Window:
    """Returns the window that a charge counts in, without beginning it."""
    stored = _window(database, charge.account)
    return charge.window if stored is None or charge.window.start > stored.start else stored


def balance_of(database: sqlite3.Connection, charge: Charge, window: Window, now: float) -> Balance:
    """Returns the balance of an account in a window."""
    return Balance(
        charge.account, window, charge.limit, _used(database, charge.account, window, now)
    )


def _begin_window(database: sqlite3.Connection, charge: Charge) -> Window:
    window = current_window(database, charge)
    database.execute(BEGIN_WINDOW, (window.start, window.end, *_key(charge.account), window.start))
    return window


def _window(database: sqlite3.Connection, account: Account) -> Window | None:
    row = database.execute(WINDOW_OF, _key(account)).fetchone()
    return None if row is None else Window(*row)


def _used(database: sqlite3.Connection, account: Account, window: Window, now: float) -> int:
    key = (*_key(account), window.start)
    (spent,) = database.execute(SPENT, key).fetchone()
    (reserved,) = database.execute(RESERVED, (*key, now)).fetchone()
    return int(spent) + int(reserved)


def _key(account: Account) -> tuple[str, str, str]:
    return account.subject, account.unit.value, account.period.value
