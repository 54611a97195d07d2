"""Carries over an API key of Portkey's list, with its limits."""

from collections.abc import Iterator

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.key_table import KeyTable
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.periods import UNKNOWN, period_of
from modegate.entrypoints.cli.importing.portkey.names import field
from modegate.entrypoints.cli.importing.variables import Variables

A_MINUTE = "rpm"
FIELDS = {"requests": "rpm", "tokens": "tpm"}
BUDGETS = {"cost": "usd", "tokens": "tokens"}
PER_MINUTE = "modegate limits requests and tokens a minute"
NO_SUCH = "keys of modegate have no such rule"


def carry_keys(row: Node, carried: Carried, variables: Variables) -> None:
    """Adds a table for the key; its secret is not in the list."""
    table = KeyTable.of(row.get("name").text() or "key", row, carried, variables)
    for limit in _rows(field(row, "rate_limits")):
        name = FIELDS.get(limit.get("type").text() or "")
        if name is None or limit.get("unit").text() != A_MINUTE:
            carried.leave(limit, PER_MINUTE)
        else:
            table.carry(name, limit.get("value"))
    for limit in _rows(field(row, "usage_limits")):
        _budget(limit, table)
    table.expires(field(row, "expires_at"))
    if row.get("status").text() not in (None, "active"):
        table.fields["enabled"] = False
    for name in ("scopes", "defaults"):
        carried.leave_if_used(row.get(name), NO_SUCH)


def _budget(limit: Node, table: KeyTable) -> None:
    reset = field(limit, "periodic_reset")
    period, most = period_of(reset.text()), field(limit, "credit_limit")
    kind = BUDGETS.get(limit.get("type").text() or "cost")
    if period is None or kind is None or "budget" in table.fields:
        table.carried.leave(reset if reset.has_effect else limit, UNKNOWN)
        return
    number = most.number()
    whole = int(number) if number is not None and kind == "tokens" else number
    table.carry("budget", most, {kind: whole, "period": str(period)})


def _rows(limits: Node) -> Iterator[Node]:
    if isinstance(limits.value, dict):
        yield limits
    yield from limits.rows()
