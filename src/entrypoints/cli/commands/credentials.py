"""`modegate credentials`: lists, enables, disables and probes credentials of a running gateway."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from modegate.entrypoints.cli.admin_client import AdminClient, AdminError
from modegate.entrypoints.cli.admin_options import AdminOptions
from modegate.entrypoints.cli.chat_errors import strip_control_characters

Row = Mapping[str, object]

COLUMNS = ("id", "upstream", "key", "state", "requests", "failures", "next try", "note")
NOTHING = "-"


def run_credentials(
    options: AdminOptions, action: str, credential_id: str | None, *, as_json: bool
) -> int:
    """Does the action, prints the credentials that it concerns, and returns the exit status."""
    client = AdminClient(options)
    try:
        shown = _run(client, action, credential_id)
    except AdminError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(shown if credential_id is None else shown[0], indent=2))
    else:
        print("\n".join(render_table(shown)))
    return 0


def _run(client: AdminClient, action: str, credential_id: str | None) -> Sequence[Row]:
    if credential_id is None:
        return client.list()
    if action == "probe":
        return [client.probe(credential_id)]
    return [client.switch(credential_id, enabled=action == "enable")]


def render_table(rows: Sequence[Row]) -> Sequence[str]:
    """Returns the lines of a table with a head."""
    cells = [COLUMNS, *(tuple(map(_text, _cells(row))) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(row: Row) -> Sequence[object]:
    names = ("id", "upstream", "key", "state", "requests", "failures")
    return *map(row.get, names), _time(row.get("next_retry_at")), _note(row)


def _note(row: Row) -> object:
    """Returns the reason of the state, else the last error."""
    error = row.get("last_error")
    if row.get("reason") is not None or not isinstance(error, Mapping):
        return row.get("reason")
    status = error.get("status")
    what = error.get("code") if status is None else f"{error.get('code')} {status}"
    return f"last error: {what}, {_time(error.get('at'))}"


def _time(at: object) -> object:
    if not isinstance(at, int):
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _text(value: object) -> str:
    return NOTHING if value is None else strip_control_characters(str(value))
