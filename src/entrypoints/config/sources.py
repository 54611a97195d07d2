"""Loads the settings from the environment, a file and the defaults, in this order."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

from pydantic import ValidationError

from modegate.entrypoints.config.cross_field import CrossFieldError
from modegate.entrypoints.config.errors import fault_lines, misfit_line
from modegate.entrypoints.config.foreign_variables import OWN_PREFIX, foreign_variables
from modegate.entrypoints.config.inherited_variables import Inherited, clean_inherited
from modegate.entrypoints.config.keys.checks import key_views, shared_secrets
from modegate.entrypoints.config.keys.mapping import masked_secrets
from modegate.entrypoints.config.keys.tables import KEYS
from modegate.entrypoints.config.raw_settings import NAMES, ONLY_IN_FILE, marked_names
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.settings_file import FILE_VARIABLE, UnreadableFileError
from modegate.entrypoints.config.shown_settings import shown_settings
from modegate.entrypoints.config.upstreams.checks import unreachable
from modegate.entrypoints.config.upstreams.credentials import (
    key_faults,
    masked_keys,
    secret_faults,
    variables_of,
)
from modegate.entrypoints.config.upstreams.views import UPSTREAMS
from modegate.entrypoints.config.value_cleaning import printable
from modegate.entrypoints.config.written_settings import (
    FROM_ENVIRONMENT,
    WrittenSettings,
    is_pipe,
    locate_file,
    removal,
)
from modegate.lazy_dataclass import dataclass

CLIENT_KEY_VARIABLE = "MODEGATE_KEY"  # for `modegate chat`; not a setting of the gateway
PROCESS_VARIABLE = "MODEGATE_PROCESS"  # set by the gateway for its children
ONLY_OF_UPSTREAMS = frozenset({UPSTREAMS, "default_upstream"})
VARIABLES = frozenset(name.upper() for name in NAMES - ONLY_IN_FILE)
KNOWN = frozenset(
    {FILE_VARIABLE, CLIENT_KEY_VARIABLE}
    | {name for name in VARIABLES if name.startswith(OWN_PREFIX)}
)


class SettingsError(Exception):
    """The settings are invalid; `faults` contains a line per error."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, the source of each, and one line per warning.

    `keys` are the masked keys of the upstreams' credentials by id, and `client_keys` those of
    clients in the file by name. `path` is the file, and `fixed` are its settings that the
    environment overrides.
    """

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    client_keys: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    fixed: tuple[str, ...] = ()

    def describe(self) -> Iterator[str]:
        """Yields one line per setting, with secrets masked."""
        for shown in shown_settings(self.settings, self.sources, self.keys, self.client_keys):
            yield shown.line


def load_settings(  # noqa: PLR0913 - each command leaves out something else
    environment: Mapping[str, str] = os.environ,
    file: str | None = None,
    *,
    with_upstreams: bool = True,
    with_secrets: bool = True,
    is_reload: bool = False,
    only: Collection[str] | None = None,
) -> LoadedSettings:
    """Loads and validates the settings; `file` is the one named on the command line.

    Removes blanks, line ends, byte order marks and one pair of quotes around values, with a
    warning. Without `with_upstreams`, what describes upstreams in the file is left out, for
    commands that send nothing to them and may lack the keys. Without `with_secrets`, the secrets
    of clients' keys are not read. `is_reload` is set for the settings of a running process, whose
    variables cannot change. `only` leaves out all other settings.

    Raises:
        SettingsError: a named file is missing, or values or names are invalid; with all errors.
    """
    meant = dict(marked_names(environment))
    named = {meant.get(name, name): value for name, value in environment.items()}
    inherited = clean_inherited(named)
    if is_reload and is_pipe(path := locate_file(named, file, {**named, **inherited.changes})):
        raise SettingsError([f"{printable(str(path))} is a pipe, which cannot be read again"])
    try:
        read = WrittenSettings.of(named, {**named, **inherited.changes}, file)
    except UnreadableFileError as error:
        raise SettingsError([str(error)]) from None
    if not with_upstreams:
        read = read.without(ONLY_OF_UPSTREAMS)
    if only is not None:
        read = replace(read.without(NAMES - {*only}), unknown=())
    key_variables = frozenset(
        (
            *variables_of(read.values.get(UPSTREAMS)),
            *(name for it in key_views(read.values.get(KEYS)) if (name := it.text("key_env"))),
        )
    )
    warnings = (
        *(
            f"{name}: blanks or a byte order mark in this name were removed"
            for name in meant.values()
        ),
        *foreign_variables(named.keys() - {PROCESS_VARIABLE} - key_variables, KNOWN, VARIABLES),
        *read.warnings(),
        *_inherited_warnings(inherited),
    )
    faults = [*read.unknown_keys(), *_inherited_faults(inherited)]
    settings, wrong = _validated(read, named, with_secrets=with_secrets, is_reload=is_reload)
    if settings is None or faults or wrong:
        raise SettingsError([*faults, *wrong, *warnings])
    return LoadedSettings(
        settings,
        read.sources,
        (*warnings, *_unreachable(settings)),
        dict(masked_keys(settings.used_upstreams(), named)),
        dict(masked_secrets(settings.keys, named)),
        read.path,
        tuple(sorted(read.file.values.keys() & read.environment.values.keys())),
    )


def _validated(
    read: WrittenSettings, environment: Mapping[str, str], *, with_secrets: bool, is_reload: bool
) -> tuple[Settings | None, list[str]]:
    """Returns the settings, None if they are invalid, and one line per error."""
    shown = {name: (_written(name, source), source) for name, source in read.sources.items()}
    settings: Settings | None = None
    faults: list[str] = []
    try:
        settings = Settings.model_validate(read.values)
    except ValidationError as error:
        faults += fault_lines(error, read.values, shown)
    if settings is None or settings.used_upstreams():
        tables = read.values.get(UPSTREAMS)
        missing = key_faults(tables, environment, is_reload=is_reload)
        faults += [misfit_line(it, shown) for it in missing]
    if with_secrets:
        missing = _secret_faults(read, settings, environment, is_reload=is_reload)
        faults += [misfit_line(it, shown) for it in missing]
    return settings, faults


def _secret_faults(
    read: WrittenSettings,
    settings: Settings | None,
    environment: Mapping[str, str],
    *,
    is_reload: bool,
) -> Iterator[CrossFieldError]:
    """Yields the faults of the secrets of clients' keys."""
    yield from secret_faults(key_views(read.values.get(KEYS)), environment, is_reload=is_reload)
    if settings is not None:
        yield from shared_secrets(
            settings.keys, environment, settings.all_keys(), settings.all_admin_keys()
        )


def _unreachable(settings: Settings) -> Iterator[str]:
    for place in unreachable(settings.upstreams, settings.default_name()):
        yield f"{place}: no request reaches it: give it models, a prefix or model_aliases"


def _inherited_warnings(inherited: Inherited) -> Iterator[str]:
    for name, removed in sorted(inherited.removed.items()):
        if name not in VARIABLES:
            yield removal(name, removed, FROM_ENVIRONMENT)


def _inherited_faults(inherited: Inherited) -> Iterator[str]:
    for name, fault in sorted(inherited.faults.items()):
        if name not in VARIABLES:
            yield f"{name}: {fault} (from {FROM_ENVIRONMENT})"


def _written(name: str, source: str) -> str:
    return name.upper() if source == FROM_ENVIRONMENT else name
