"""Maps the rows of credentials to the domain, with their keys."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.entrypoints.config.cross_field import CrossFieldError
from modegate.entrypoints.config.upstreams.secrets import (
    Secret,
    SecretError,
    read_key_file,
    read_variable,
)
from modegate.entrypoints.config.upstreams.tables import CredentialSettings, UpstreamSettings
from modegate.entrypoints.config.upstreams.types import KeyFilePath, Variable
from modegate.entrypoints.config.upstreams.views import EMPTY, View, upstream_views
from modegate.lazy_dataclass import dataclass

VARIABLE: TypeAdapter[str] = TypeAdapter(Variable)
NO_NEW_VARIABLES = (
    ", and a running gateway gets no new variables: use key_file, or restart it with the variable"
)
PATH: TypeAdapter[Path] = TypeAdapter(KeyFilePath)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A credential whose key is in a file."""

    path: Path
    row: CredentialSettings

    @property
    def id(self) -> str:
        """The id of the credential."""
        return self.row.id or ""

    def read(self) -> Credential:
        """Returns the credential with the file's present key.

        Raises:
            SecretError: the file has no usable key.
        """
        return _credential(self.row, read_key_file(self.path))


def credential_of(row: CredentialSettings, environment: Mapping[str, str]) -> Credential:
    """Returns the credential of a row.

    Raises:
        SecretError: there is no usable key.
    """
    if row.key_file is not None:
        return KeyFile(row.key_file, row).read()
    if row.key_env is not None:
        return _credential(row, read_variable(row.key_env, environment))
    return _credential(row, Secret(row.key.get_secret_value() if row.key else ""))


def key_files_of(upstreams: Mapping[str, UpstreamSettings]) -> tuple[KeyFile, ...]:
    """Returns all credentials whose keys are in files."""
    rows = (row for table in upstreams.values() for row in table.credentials)
    return tuple(KeyFile(row.key_file, row) for row in rows if row.key_file is not None)


def key_faults(
    upstreams: object, environment: Mapping[str, str], *, is_reload: bool = False
) -> Iterator[CrossFieldError]:
    """Yields a fault for each variable and file without a usable key, from tables as written.

    `is_reload` adds that a running process gets no new variables.
    """
    yield from secret_faults(_rows(upstreams), environment, is_reload=is_reload)


def secret_faults(
    rows: Iterable[View], environment: Mapping[str, str], *, is_reload: bool = False
) -> Iterator[CrossFieldError]:
    """Yields a fault for each variable and file without a usable key in rows as written."""
    note = NO_NEW_VARIABLES if is_reload else ""
    for row in rows:
        for name, value in row.row.items():
            try:
                if name == "key_env":
                    read_variable(VARIABLE.validate_python(value), environment)
                elif name == "key_file" and value not in EMPTY:
                    read_key_file(PATH.validate_python(value))
            except SecretError as error:
                hint = note if name == "key_env" else ""
                yield CrossFieldError(row.at(str(name)), f"{error}{hint}")
            except ValidationError:  # reported with the other values
                continue


def masked_keys(
    upstreams: Mapping[str, UpstreamSettings], environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yields each credential's id with its masked key."""
    for table in upstreams.values():
        for row in table.credentials:
            credential = credential_of(row, environment)
            yield credential.id, str(credential.key)


def variables_of(upstreams: object) -> Iterator[str]:
    """Yields the names of the variables with keys, from tables as written."""
    for row in _rows(upstreams):
        if name := row.text("key_env"):
            yield name


def _rows(upstreams: object) -> Iterator[View]:
    for _, view in upstream_views(upstreams):
        yield from view.rows("credentials")


def _credential(row: CredentialSettings, secret: Secret) -> Credential:
    expires_at = row.expires_at.timestamp() if row.expires_at else None
    # A file that was written after the old key's end has a new key.
    if expires_at is not None and (secret.modified_at or expires_at) > expires_at:
        expires_at = None
    return Credential(row.id or "", ApiKey(secret.key), row.weight, expires_at)
