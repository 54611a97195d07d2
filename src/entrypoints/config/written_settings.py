"""Collects the cleaned settings of the environment and the file, with warnings."""

import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from modegate.entrypoints.config.foreign_variables import nearest
from modegate.entrypoints.config.raw_settings import NAMES, RawSettings, from_environment, from_file
from modegate.entrypoints.config.settings_file import FILE_VARIABLE, find_file, read_file
from modegate.entrypoints.config.value_cleaning import clean, printable
from modegate.lazy_dataclass import dataclass

FROM_ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """The settings as written in the environment and in the file."""

    environment: RawSettings
    file: RawSettings
    file_variable: tuple[str, ...]
    path: Path | None
    is_marked: bool
    unknown: tuple[str, ...]

    @classmethod
    def of(
        cls, environment: Mapping[str, str], folders: Mapping[str, str], named: str | None
    ) -> "WrittenSettings":
        """Reads both; `folders` contains the variables that locate the file.

        Raises:
            UnreadableFileError: the file cannot be read.
        """
        variable = clean(environment.get(FILE_VARIABLE, ""))
        path = locate_file(environment, named, folders)
        table, is_marked = read_file(path) if path else ({}, False)
        unknown = tuple(name for name in table if name not in NAMES)
        return cls(
            environment=from_environment(environment),
            file=from_file(table),
            file_variable=variable.removed,
            path=path,
            is_marked=is_marked,
            unknown=unknown,
        )

    def without(self, names: Collection[str]) -> "WrittenSettings":
        """Returns the settings without some."""
        return replace(
            self, environment=self.environment.without(names), file=self.file.without(names)
        )

    @property
    def values(self) -> Mapping[str, object]:
        """The values by setting; the environment overrides the file."""
        return {**self.file.values, **self.environment.values}

    @property
    def sources(self) -> Mapping[str, str]:
        """The source of each value."""
        return {
            **dict.fromkeys(self.file.values, printable(str(self.path))),
            **dict.fromkeys(self.environment.values, FROM_ENVIRONMENT),
        }

    def warnings(self) -> Iterator[str]:
        """Yields one line for each value that was cleaned."""
        if self.file_variable:
            yield removal(FILE_VARIABLE, self.file_variable, FROM_ENVIRONMENT)
        if self.is_marked:
            yield f"{printable(str(self.path))}: begins with a byte order mark, which was ignored"
        for name, removed in sorted(self.file.removed.items()):
            yield removal(name, removed, printable(str(self.path)))
        for name, removed in sorted(self.environment.removed.items()):
            yield removal(name.upper(), removed, FROM_ENVIRONMENT)

    def unknown_keys(self) -> Iterator[str]:
        """Yields an error for each unknown key, with the nearest name."""
        for name in self.unknown:
            where = printable(str(self.path))
            yield f"{printable(name)}: unknown key in {where}{nearest(name, {it: it for it in NAMES})}"


def locate_file(
    environment: Mapping[str, str], named: str | None, folders: Mapping[str, str] | None = None
) -> Path | None:
    """Returns the path of the file; None without one. `folders` overrides some variables."""
    variable = clean(environment.get(FILE_VARIABLE, ""))
    return find_file({**(folders or environment), FILE_VARIABLE: variable.value}, named)


def is_pipe(path: Path | None) -> bool:
    """Whether a file has its content once only, so that it cannot be read again."""
    try:
        mode = path.stat().st_mode if path else 0
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def removal(name: str, removed: tuple[str, ...], source: str) -> str:
    """Returns the warning for one cleaned value."""
    return f"{name}: {' and '.join(removed)} around the value were removed (from {source})"
