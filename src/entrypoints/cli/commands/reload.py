"""`modegate reload`: makes a running gateway read its settings again."""

import json
import sys
from collections.abc import Iterator, Mapping

from modegate.entrypoints.cli.admin_client import AdminClient, AdminError
from modegate.entrypoints.cli.admin_options import AdminOptions
from modegate.entrypoints.cli.printable import strip_control_characters

LABELS = {
    "changed": "changed",
    "needs_restart": "needs a restart",
    "fixed_by_environment": "fixed by the environment",
}


def run_reload(options: AdminOptions, *, as_json: bool) -> int:
    """Reloads, prints what has changed, and returns the exit status."""
    try:
        result = AdminClient(options).reload()
    except AdminError as error:
        for line in str(error).splitlines():
            print(f"modegate: {line}", file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if as_json else "\n".join(render_result(result)))
    return 0


def render_result(result: Mapping[str, object]) -> Iterator[str]:
    """Yields one line for each kind of settings."""
    if result.get("unchanged"):
        yield "unchanged"
    for name, label in LABELS.items():
        names = result.get(name)
        if isinstance(names, list) and names:
            yield f"{label}: {', '.join(strip_control_characters(str(it)) for it in names)}"
    if not any(result.get(name) for name in ("unchanged", "changed", "needs_restart")):
        yield "nothing has changed that is in use"
