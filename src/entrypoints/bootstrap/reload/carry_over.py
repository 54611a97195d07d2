"""What a new configuration keeps of the one that it replaces."""

from collections.abc import Mapping
from dataclasses import replace

from modegate.domain.configuration import Configuration
from modegate.domain.credentials.credential import Credential
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings


def carried_over(
    configuration: Configuration, current: Configuration, settings: Settings, running: Settings
) -> Configuration:
    """Returns the configuration of `settings` with what does not come from settings.

    `current` is the snapshot that it replaces, and `running` its settings. Whatever else is kept in
    a `Configuration`, and not in the settings, is to be copied from `current` here.
    """
    kept = _kept_credentials(configuration, current, settings, running)
    return configuration.with_credentials(kept).reusing(current)


def _kept_credentials(
    configuration: Configuration, current: Configuration, settings: Settings, running: Settings
) -> dict[str, Credential]:
    """Returns the credentials of files whose rows did not change, by id.

    A key that was replaced while the gateway runs has no expiry, which belonged to the old one.
    """
    rows = {it.id: it.row for it in mapping.key_files(running)}
    same = {it.id for it in mapping.key_files(settings) if rows.get(it.id) == it.row}
    old, new = _credentials(current), _credentials(configuration)
    return {
        name: old[name] if old[name].key == new[name].key else replace(new[name], expires_at=None)
        for name in same & old.keys() & new.keys()
    }


def _credentials(configuration: Configuration) -> Mapping[str, Credential]:
    upstreams = configuration.routes.upstreams
    return {it.id: it for upstream in upstreams for it in upstream.credentials}
