"""Reads the configuration again, validated as a whole."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TypeVar

from pydantic import SecretStr

from modegate.domain.configuration import Configuration
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.reloading import effective, pending_settings
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.shown_settings import BY_DEFAULT
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError
from modegate.entrypoints.operator_advice import own_upstream_fault
from modegate.lazy_dataclass import dataclass

T = TypeVar("T")


def unchanged(settings: Settings) -> Settings:
    """Returns the settings themselves."""
    return settings


@dataclass(frozen=True, slots=True)
class Candidate:
    """A valid configuration that may replace the current one.

    `settings` are the loaded ones, except that what needs a restart is as it is now.
    """

    loaded: LoadedSettings
    settings: Settings
    configuration: Configuration
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationReader:
    """Reads settings, files and keys. `load` reads the settings and raises `SettingsError`.

    `environment` has the variables of the process. `serve_as` replaces what `--offline` simulates.
    """

    load: Callable[[], LoadedSettings]
    environment: Mapping[str, str] = field(repr=False)
    serve_as: Callable[[Settings], Settings] = unchanged
    is_offline: bool = False

    def read(self, running: Settings) -> Candidate:
        """Returns the present configuration; blocks while it reads the files.

        Raises:
            SettingsError: it is invalid; with all errors.
        """
        loaded = self.load()
        settings = effective(loaded.settings, running)
        if faults := self._faults(settings, pending_settings(loaded.settings, running)):
            raise SettingsError(faults)
        try:
            configuration = mapping.configuration(self.serve_as(settings), self.environment)
        except ValueError as error:  # a key file has changed since it was validated
            raise SettingsError([str(error)]) from None
        return Candidate(loaded, settings, configuration, digest_of(loaded.settings, configuration))

    def _faults(self, settings: Settings, pending: list[str]) -> list[str]:
        """Returns the faults between new values and those that stay until a restart."""
        note = f" (with the present values of {', '.join(pending)}, which need a restart)"
        faults = [f"{it.name}: {it.message}{note}" for it in settings.misfits()]
        own = () if self.is_offline else settings.own_upstreams()
        return [*faults, *map(own_upstream_fault, own)]


def taken_over(candidate: Candidate, before: LoadedSettings, running: Settings) -> LoadedSettings:
    """Returns the loaded settings; what needs a restart keeps the source that it had before."""
    kept = {
        name: before.sources.get(name, BY_DEFAULT)
        for name in pending_settings(candidate.loaded.settings, running)
    }
    return replace(candidate.loaded, sources={**candidate.loaded.sources, **kept})


def digest_of(settings: Settings, configuration: Configuration) -> str:
    """Returns a digest of the settings and of the keys that are in files; order counts."""
    in_files = {it.id for it in mapping.key_files(settings)}
    keys = {
        credential.id: credential.key.reveal()
        for upstream in configuration.routes.upstreams
        for credential in upstream.credentials
        if credential.id in in_files
    }
    clients = {name: it.hex() for name, it in configuration.keys.digests.items()}
    text = json.dumps([settings.model_dump(), keys, clients], default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
