"""Maps the tables of keys to the domain, with their secrets."""

from collections.abc import Iterator, Mapping

from modegate.application.keys.fields import with_fields
from modegate.domain.access.api_key import ApiKey, mask
from modegate.domain.access.client_key import ClientKey, ConfiguredKey, KeySource
from modegate.entrypoints.config.keys.tables import KeySettings
from modegate.entrypoints.config.upstreams.secrets import (
    SecretError,
    read_key_file,
    read_variable,
)

FIELDS = (
    *("models", "modes", "mode", "expires_at", "rpm", "tpm", "concurrency", "budget", "enabled"),
)


def configured_keys(
    keys: Mapping[str, KeySettings], environment: Mapping[str, str]
) -> Iterator[ConfiguredKey]:
    """Yields the keys of the tables; the name of a table is the id of its key.

    Raises:
        SecretError: a key has no usable secret.
    """
    for name, table in keys.items():
        secret = ApiKey(secret_of(table, environment))
        bare = ClientKey(
            id=name, name=table.name or name, masked=str(secret), source=KeySource.FILE
        )
        fields = {it: getattr(table, it) for it in FIELDS}
        yield ConfiguredKey(with_fields(bare, fields), secret)


def masked_secrets(
    keys: Mapping[str, KeySettings], environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yields each key's name with its masked secret; none for a secret that cannot be read."""
    for name, table in keys.items():
        try:
            yield name, mask(secret_of(table, environment))
        except SecretError:
            continue


def secret_of(table: KeySettings, environment: Mapping[str, str]) -> str:
    """Returns the secret of a key.

    Raises:
        SecretError: it cannot be read.
    """
    if table.key_file is not None:
        return read_key_file(table.key_file).key
    if table.key_env is not None:
        return read_variable(table.key_env, environment).key
    return table.key.get_secret_value() if table.key else ""
