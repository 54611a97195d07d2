"""Which settings a reload changes, and which differ between two sets of settings."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from modegate.entrypoints.config.raw_settings import NAMES
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.upstreams.places import Place, written
from modegate.entrypoints.config.upstreams.tables import CredentialSettings

# The listening socket, its connections, the form of the log, the parts of the application that each
# request passes, its paths, and the files that are open: all of these are made at the start.
NEEDS_RESTART = frozenset(
    {
        "cors_allowed_origins",
        "host",
        "keep_alive_timeout_ms",
        "log_format",
        "modegate_ledger",
        "modegate_state_dir",
        "modegate_store",
        "modegate_transcripts",
        "port",
        "store_failure_mode",
        "upstream_paths",
    }
)
RELOADABLE = NAMES - NEEDS_RESTART


def effective(loaded: Settings, running: Settings) -> Settings:
    """Returns the loaded settings with those that need a restart as they are now."""
    return loaded.model_copy(update={name: getattr(running, name) for name in NEEDS_RESTART})


def changed_settings(before: Settings, after: Settings) -> list[str]:
    """Returns the names of the settings that differ; in tables, the names of their values."""
    found = (_differences((name,), getattr(before, name), it) for name, it in after)
    return sorted(written(place) for places in found for place in places)


def pending_settings(loaded: Settings, running: Settings) -> list[str]:
    """Returns the settings that differ, and change at the next start only."""
    return sorted(it for it in NEEDS_RESTART if getattr(loaded, it) != getattr(running, it))


def _differences(place: Place, before: object, after: object) -> Iterator[Place]:
    old, new = _table(before), _table(after)
    if old is None or new is None:
        if before != after:
            yield place
        return
    for name in dict.fromkeys((*old, *new)):
        if name in old and name in new:
            yield from _differences((*place, name), old[name], new[name])
        else:
            yield (*place, name)
    if old.keys() == new.keys() and list(old) != list(new):  # the first one may be preferred
        yield place


def _table(value: object) -> Mapping[str, object] | None:
    """Returns the rows of a table by name, credentials by id; None for any other value."""
    match value:
        case CredentialSettings():
            return None
        case dict():
            return value
        case BaseModel():
            return dict(value)
        case tuple() if rows := credential_rows(value):
            return {row.id or "": row for row in rows}
        case _:
            return None


def credential_rows(value: Sequence[object]) -> list[CredentialSettings]:
    """Returns the rows of a list of credentials; empty for any other list."""
    return [it for it in value if isinstance(it, CredentialSettings)]
