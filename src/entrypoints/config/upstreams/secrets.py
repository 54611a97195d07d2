"""Reads the keys of credentials from variables and files."""

import os
import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from modegate.entrypoints.config.types import header_key
from modegate.entrypoints.config.value_cleaning import clean
from modegate.lazy_dataclass import dataclass

MAX_FILE_BYTES = 65_536


class SecretError(ValueError):
    """A key cannot be used; the message says why and does not contain it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A key, what was removed around it, and the time of its file's last change in Unix seconds."""

    key: str = field(repr=False)
    removed: tuple[str, ...] = ()
    modified_at: float | None = None


def read_variable(name: str, environment: Mapping[str, str]) -> Secret:
    """Returns the key in a variable.

    Raises:
        SecretError: it is not set, or is no key.
    """
    found = clean(environment.get(name, ""))
    if not found.value:
        raise SecretError(f"{name} is not set")
    return Secret(_valid(found.value, name), found.removed)


def read_key_file(path: Path) -> Secret:
    """Returns the key in a file.

    Raises:
        SecretError: the file cannot be read, is empty, or has no key.
    """
    try:
        # A pipe is refused before it is opened: it would block, and has its content once only.
        if not stat.S_ISREG(path.stat().st_mode):
            raise SecretError(f"{path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES)
            modified_at = os.fstat(file.fileno()).st_mtime
        found = clean(data.decode())
    except FileNotFoundError:
        raise SecretError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} must be text in UTF-8") from None
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    if not found.value:
        raise SecretError(f"{path} is empty")
    return Secret(_valid(found.value, str(path)), found.removed, modified_at)


def _valid(text: str, where: str) -> str:
    try:
        return str(header_key(text))
    except ValueError as error:
        raise SecretError(f"{where} {error}") from None
