"""Finds and reads the configuration file."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from modegate.entrypoints.config.value_cleaning import (
    BYTE_ORDER_MARK,
    impossible_character,
    printable,
)

FILE_VARIABLE = "MODEGATE_CONFIG"
OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class UnreadableFileError(Exception):
    """The file cannot be used; the message says why."""


def find_file(environment: Mapping[str, str], named: str | None) -> Path | None:
    """Returns the named file, else the first existing default file."""
    if named := named or environment.get(FILE_VARIABLE):
        return Path(named)
    candidates = (
        Path("modegate.toml"),
        *_of_user(environment),
        Path("/etc/modegate/config.toml"),
        Path("/config/modegate.toml"),
    )
    return next((path for path in candidates if _is_file(path)), None)


def read_file(path: Path) -> tuple[dict[str, object], bool]:
    """Returns the file's keys in lower case, and whether it starts with a byte order mark.

    The file may be a pipe.

    Raises:
        UnreadableFileError: the file does not exist, or is not TOML in UTF-8.
    """
    text = _text(path)
    marked = text.startswith(BYTE_ORDER_MARK)
    # Accept the line ends of every system; TOML does not allow a lone carriage return.
    lines = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")
    try:
        found = tomllib.loads(lines)
    except (ValueError, RecursionError) as error:  # too long a number, or too deep tables
        told = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise UnreadableFileError(
            f"{_shown(path)} is not valid TOML: {told}{_odd_character(lines)}"
        ) from None
    return {name.lower(): value for name, value in found.items()}, marked


def _text(path: Path) -> str:
    shown = _shown(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableFileError(f"the configuration file {shown} does not exist") from None
    except IsADirectoryError:
        raise UnreadableFileError(f"the configuration file {shown} is a folder") from None
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else "no file can be called so"
        raise UnreadableFileError(f"{shown} cannot be read: {told}") from None
    if data.startswith(OF_UTF_16) or b"\0" in data[:4]:
        raise UnreadableFileError(f"{shown} cannot be read: it is UTF-16; save it as UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(
            f"{shown} cannot be read: it is not UTF-8 (line {line}); save it as UTF-8"
        ) from None


def _odd_character(text: str) -> str:
    """Returns a note on the first invisible character, a frequent cause of invalid TOML."""
    for number, line in enumerate(text.split("\n"), start=1):
        if odd := impossible_character(line.replace("\t", "")):
            return f"; line {number} holds {odd}, which cannot be seen: write the line by hand"
    return ""


def _shown(path: Path) -> str:
    return printable(str(path))


def _of_user(environment: Mapping[str, str]) -> Iterator[Path]:
    with suppress(RuntimeError):  # service accounts may have no home folder
        home = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        yield Path(home, "modegate", "config.toml")


def _is_file(path: Path) -> bool:
    """Returns whether the file exists; False without permission or with an invalid path."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
