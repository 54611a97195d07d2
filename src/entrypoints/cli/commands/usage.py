"""`modegate usage`: prints the usage of a running gateway."""

import json
import sys
from collections.abc import Mapping, Sequence

from modegate.entrypoints.cli.admin_client import AdminClient, AdminError
from modegate.entrypoints.cli.admin_options import AdminOptions
from modegate.entrypoints.cli.table import render_rows

Row = Mapping[str, object]

COLUMNS = {
    "requests": "requests",
    "errors": "errors",
    "prompt_tokens": "prompt",
    "cached_tokens": "cached",
    "completion_tokens": "completion",
    "total_tokens": "total",
    "cost_usd": "USD",
    "unpriced_requests": "unpriced",
}


def run_usage(options: AdminOptions, parameters: Mapping[str, str], *, as_json: bool) -> int:
    """Prints the sums that the parameters ask for, and returns the exit status."""
    try:
        answer = AdminClient(options).usage(parameters)
    except AdminError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        print("\n".join(_table(parameters["group_by"].split(","), answer["data"])))
    return 0


def _table(groups: Sequence[str], rows: Sequence[Row]) -> Sequence[str]:
    names = [name.strip() for name in groups]
    cells = [[*map(row.get, names), *map(_cell, COLUMNS, map(row.get, COLUMNS))] for row in rows]
    return render_rows((*names, *COLUMNS.values()), cells)


def _cell(column: str, value: object) -> object:
    return f"{value:.4f}" if column == "cost_usd" and isinstance(value, int | float) else value
