"""Reads the target of the operator commands from options, the environment and settings."""

import argparse
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from modegate.domain.hosts import is_loopback
from modegate.entrypoints.cli.gateway_address import (
    UsageError,
    named_address,
    own_address,
    visible,
)
from modegate.entrypoints.config.sources import LoadedSettings
from modegate.entrypoints.config.value_cleaning import clean
from modegate.lazy_dataclass import dataclass

KEY_VARIABLE = "ADMIN_KEY"


@dataclass(frozen=True, slots=True)
class AdminOptions:
    """The gateway to ask, and the operator's key."""

    url: str
    key: str = field(repr=False)

    @property
    def on_this_machine(self) -> bool:
        """Whether the address is loopback, so that no proxy is used."""
        return is_loopback(urlsplit(self.url).hostname or "")


def read_admin_options(
    options: argparse.Namespace, loaded: LoadedSettings | None, environment: Mapping[str, str]
) -> AdminOptions:
    """Returns the parsed options; `loaded` is None if they include the address.

    Raises:
        UsageError: if there is no key, or a value cannot be sent.
    """
    if loaded is None:
        url = named_address(options.url, KEY_VARIABLE)
        key = visible(KEY_VARIABLE, clean(environment.get(KEY_VARIABLE, "")).value or None)
    else:
        url = own_address(loaded.settings)
        keys = loaded.settings.all_admin_keys()
        key = keys[0].get_secret_value() if keys else None
    if key is None:
        raise UsageError(f"no key: set {KEY_VARIABLE} to that of the gateway")
    return AdminOptions(url, key)
