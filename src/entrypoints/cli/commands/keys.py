"""`modegate keys`: creates, lists, revokes and rotates keys of clients of a running gateway."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from modegate.entrypoints.cli.admin_client import AdminClient, AdminError
from modegate.entrypoints.cli.admin_options import AdminOptions
from modegate.entrypoints.cli.table import Row, render_rows, time_text

COLUMNS = ("id", "name", "key", "source", "state", "models", "modes", "mode", "rpm", "expires")
PATH = "/admin/keys"


def run_keys(admin: AdminOptions, options: argparse.Namespace) -> int:
    """Does the action, prints its outcome, and returns the exit status.

    A new secret is all that goes to standard output, unless JSON is asked for.
    """
    client = AdminClient(admin)
    try:
        if options.action == "list":
            listed = client.list(PATH)
            print(json.dumps(listed, indent=2) if options.json else "\n".join(render_keys(listed)))
            return 0
        key = _run(client, options)
    except AdminError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(key, indent=2))
        return 0
    if (secret := key.get("secret")) is None:
        print("\n".join(render_keys([key])))
        return 0
    print(f"{key.get('id')}: this is its secret, which nothing shows again", file=sys.stderr)
    print(secret)
    return 0


def _run(client: AdminClient, options: argparse.Namespace) -> Mapping[str, Any]:
    if options.action == "create":
        return client.call("POST", PATH, fields_of(options))
    path = f"{PATH}/{quote(options.id, safe='')}"
    if options.action == "revoke":
        return client.call("DELETE", path)
    grace = {} if options.grace is None else {"grace_seconds": options.grace}
    return client.call("POST", f"{path}/rotate", grace)


def fields_of(options: argparse.Namespace) -> dict[str, object]:
    """Returns the body for a new key from the options of the command."""
    budget = {
        "usd": options.budget_usd,
        "tokens": options.budget_tokens,
        "period": options.budget_period,
    }
    fields = {
        "name": options.name,
        "models": options.model,
        "modes": options.mode,
        "mode": options.default_mode,
        "expires_at": options.expires_at,
        "rpm": options.rpm,
        "tpm": options.tpm,
        "concurrency": options.concurrency,
        "budget": _given(budget) or None,
    }
    return _given(fields)


def render_keys(rows: Sequence[Row]) -> Sequence[str]:
    """Returns the lines of a table with a head."""
    return render_rows(COLUMNS, map(_cells, rows))


def _cells(row: Row) -> Sequence[object]:
    names = ("id", "name", "masked", "source", "state")
    lists = (_listed(row.get("models")), _listed(row.get("modes")))
    limits = row.get("mode"), row.get("rpm"), time_text(row.get("expires_at"))
    return *map(row.get, names), *lists, *limits


def _listed(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else None


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
