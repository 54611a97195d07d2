"""Shows the tables of keys, with secrets masked."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from modegate.domain.budgets.budget import Budget
from modegate.entrypoints.config.budget_types import budget_text
from modegate.entrypoints.config.keys.tables import KEYS, KeySettings
from modegate.entrypoints.config.upstreams.places import written

HIDDEN = "****"


def describe_keys(
    keys: Mapping[str, KeySettings], secrets: Mapping[str, str], source: str
) -> Iterator[tuple[str, str, str]]:
    """Yields the place of each value that is set, the value as text, and its source.

    `secrets` are the masked ones by name.
    """
    for name, table in keys.items():
        for field in (it for it in KeySettings.model_fields if it in table.model_fields_set):
            shown = _shown(field, getattr(table, field), secrets.get(name, HIDDEN))
            yield written((KEYS, name, field)), shown, source


def _shown(field: str, value: object, secret: str) -> str:
    if field == "key":
        return secret
    if field in {"key_env", "key_file"}:
        return f"{value}: {secret}"
    match value:
        case tuple():
            shown = ", ".join(map(str, value))
        case float():
            shown = datetime.fromtimestamp(value, UTC).isoformat()
        case bool():
            shown = str(value).lower()
        case Budget():
            shown = budget_text(value)
        case _:
            shown = str(value)
    return shown
