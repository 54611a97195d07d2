"""Shows the tables of upstreams, with secrets masked."""

from collections.abc import Iterator, Mapping

from modegate.domain.access.api_key import mask
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.tables import (
    CredentialSettings,
    ErrorRuleSettings,
    UpstreamSettings,
)
from modegate.entrypoints.config.upstreams.views import UPSTREAMS

NOTHING = "-"
LISTS_OF_TABLES = frozenset({"credentials", "error_rules"})


def describe_upstreams(
    upstreams: Mapping[str, UpstreamSettings], keys: Mapping[str, str], source: str, default: str
) -> Iterator[tuple[str, str, str]]:
    """Yields the place of each value, the value as text, and its source.

    `keys` are the masked keys by the ids of credentials.

    `source` is that of the values that are set, and `default` that of the others.
    """
    for name, table in upstreams.items():
        for field, value in table:
            place = (UPSTREAMS, name, field)
            where = source if field in table.model_fields_set else default
            rows = value if field in LISTS_OF_TABLES and value else (value,)
            for index, row in enumerate(rows):
                shown = (*place, index) if field in LISTS_OF_TABLES and value else place
                yield written(shown), _shown(field, row, keys), where


def _shown(field: str, value: object, keys: Mapping[str, str]) -> str:
    match value:
        case CredentialSettings():
            shown = ", ".join(_credential(value, keys))
        case ErrorRuleSettings():
            shown = ", ".join(_rule(value))
        case dict():  # the value of a header may be a secret
            hides = field == "headers"
            shown = ", ".join(f"{name}={'****' if hides else row}" for name, row in value.items())
        case tuple():
            shown = ", ".join(_shown(field, item, keys) for item in value)
        case bool():
            shown = str(value).lower()
        case _:
            shown = "" if value is None else str(value)
    return shown or NOTHING


def _credential(row: CredentialSettings, keys: Mapping[str, str]) -> Iterator[str]:
    yield row.id or NOTHING
    written_key = mask(row.key.get_secret_value()) if row.key else ""
    key = keys.get(row.id or "", written_key)
    origin = row.key_env or row.key_file
    yield f"{key} from {origin}" if origin else key
    yield f"weight {row.weight}"
    if row.expires_at:
        yield f"expires at {row.expires_at.isoformat()}"


def _rule(row: ErrorRuleSettings) -> Iterator[str]:
    if row.status:
        yield f"status {row.status}"
    if row.contains:
        yield f"contains {row.contains!r}"
    then = row.then.value if row.then else NOTHING
    yield f"then {then}" + (f" for {row.for_s:g} s" if row.then and row.then.cools else "")
