"""Loads the settings that lead to a running gateway, although others may be wrong."""

import os
from collections.abc import Mapping

from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings

OF_THE_ADDRESS = frozenset(
    {
        "admin_key",
        "admin_keys",
        "allow_unauthenticated",
        "api_key",
        "api_keys",
        "host",
        "port",
    }
)


def load_address(environment: Mapping[str, str], file: str | None) -> LoadedSettings:
    """Returns the settings, only those of the address and the keys if others are invalid.

    Raises:
        SettingsError: the address or the operator's key cannot be found; with all errors.
    """
    try:
        return load_settings(environment, file, with_upstreams=False)
    except SettingsError:
        for path in (file, os.devnull):  # the second one if the file is no TOML
            try:
                found = load_settings(environment, path, only=OF_THE_ADDRESS)
            except SettingsError:
                continue
            if found.settings.all_admin_keys():
                return found
    load_settings(environment, file)  # raises all errors
    raise SettingsError(["no operator's key was found"])
