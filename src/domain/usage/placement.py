"""Finds out which rows a ledger does not have yet, and under which id it stores them."""

from collections.abc import Callable, Collection, Mapping, Sequence

from modegate.domain.usage.row import UsageRow, next_id

FindRows = Callable[[Collection[int]], Mapping[int, UsageRow]]


def missing_rows(rows: Sequence[UsageRow], find: FindRows) -> list[UsageRow]:
    """Returns the rows that are not stored yet, each with the first free id.

    `find` returns the stored rows with some ids. The result is exact if no other process stores
    rows until these are stored.
    """
    placed: dict[int, UsageRow] = {}
    waiting = rows
    while waiting:
        stored = find({row.id for row in waiting} - placed.keys())
        occupied: list[UsageRow] = []
        for row in waiting:
            present = placed.get(row.id) or stored.get(row.id)
            if present is None:
                placed[row.id] = row
            elif present[1:] != row[1:]:
                occupied.append(row._replace(id=next_id(row)))
        waiting = occupied
    return list(placed.values())
