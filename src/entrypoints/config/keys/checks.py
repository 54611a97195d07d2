"""Faults between the values of the keys' tables, and between their secrets and others."""

import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import SecretStr

from modegate.application.keys.fields import MODE, mode_fault
from modegate.domain.access.client_key import ID_PREFIX
from modegate.entrypoints.config.cross_field import CrossFieldError
from modegate.entrypoints.config.keys.mapping import secret_of
from modegate.entrypoints.config.keys.tables import KEYS, KeySettings
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.secrets import SecretError
from modegate.entrypoints.config.upstreams.views import View

SECRETS = ("key_env", "key_file", "key")
# The ids of other keys, and of the clients that the keys of the environment make.
RESERVED = re.compile(rf"{ID_PREFIX}.*|env-.*|anonymous|[0-9a-f]{{32}}")


def table_faults(keys: Mapping[str, KeySettings]) -> Iterator[CrossFieldError]:
    """Yields every fault between the values of the tables."""
    for name, table in keys.items():
        if RESERVED.fullmatch(name):
            what = "is reserved as a name of keys: choose another one"
            yield CrossFieldError(written((KEYS, name)), what)
        if (fault := mode_fault(table.mode, table.modes)) is not None:
            yield CrossFieldError(written((KEYS, name, MODE)), fault)
        found = [it for it in SECRETS if getattr(table, it) is not None]
        if not found:
            yield CrossFieldError(written((KEYS, name)), "needs a key: key_env, key_file or key")
        if len(found) > 1:
            what = f"has {' and '.join(found)}: keep one of them"
            yield CrossFieldError(written((KEYS, name)), what)


def shared_secrets(
    keys: Mapping[str, KeySettings],
    environment: Mapping[str, str],
    of_clients: Iterable[SecretStr],
    of_operators: Iterable[SecretStr],
) -> Iterator[CrossFieldError]:
    """Yields a fault for each secret that is also another key; unreadable ones are skipped."""
    claims = {it.get_secret_value(): "one of API_KEY and API_KEYS" for it in of_clients}
    claims |= {it.get_secret_value(): "a key of operators" for it in of_operators}
    for name, table in keys.items():
        try:
            secret = secret_of(table, environment)
        except SecretError:
            continue
        place = written((KEYS, name))
        first = claims.setdefault(secret, f"the key of {place}")
        if first != f"the key of {place}":
            yield CrossFieldError(place, f"is also {first}: choose another one")


def key_views(keys: object) -> Iterator[View]:
    """Yields the tables as written."""
    for name, table in View((), {KEYS: keys}).pairs(KEYS):
        if isinstance(table, dict):
            yield View((KEYS, name), table)
