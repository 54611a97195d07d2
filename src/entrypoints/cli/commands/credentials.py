"""`modegate credentials`: lists, enables, disables and probes credentials of a running gateway."""

import json
import sys
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from modegate.entrypoints.cli.admin_client import AdminClient, AdminError
from modegate.entrypoints.cli.admin_options import AdminOptions
from modegate.entrypoints.cli.table import Row, render_rows, time_text

COLUMNS = ("id", "upstream", "key", "state", "requests", "failures", "next try", "note")
PATH = "/admin/credentials"


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
        return client.list(PATH)
    path = f"{PATH}/{quote(credential_id, safe='')}"
    if action == "probe":
        return [client.call("POST", f"{path}/probe")]
    return [client.call("PATCH", path, {"enabled": action == "enable"})]


def render_table(rows: Sequence[Row]) -> Sequence[str]:
    """Returns the lines of a table with a head."""
    return render_rows(COLUMNS, map(_cells, rows))


def _cells(row: Row) -> Sequence[object]:
    names = ("id", "upstream", "key", "state", "requests", "failures")
    return *map(row.get, names), time_text(row.get("next_retry_at")), _note(row)


def _note(row: Row) -> object:
    """Returns the reason of the state, else the last error."""
    error = row.get("last_error")
    if row.get("reason") is not None or not isinstance(error, Mapping):
        return row.get("reason")
    status = error.get("status")
    what = error.get("code") if status is None else f"{error.get('code')} {status}"
    return f"last error: {what}, {time_text(error.get('at'))}"
