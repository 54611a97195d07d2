"""Changes of the keys of clients."""

from collections.abc import Iterable

from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.request_errors import (
    InvalidRequestError,
    KeyNotFoundError,
    KeyReadOnlyError,
)

LONGEST_SHOWN = 64


def unknown() -> KeyNotFoundError:
    """Returns the error for an id that no key has."""
    return KeyNotFoundError("There is no such key.", remedies=(Remedy.LIST_KEYS,))


def of_settings(source: str) -> KeyReadOnlyError:
    """Returns the error for a change of a key of the settings; `source` says of which ones."""
    return KeyReadOnlyError(
        f"This key is one of the {source}'s, and cannot be changed here.",
        remedies=(Remedy.CHANGE_SETTINGS,),
    )


def revoked() -> KeyReadOnlyError:
    """Returns the error for a change of a revoked key."""
    return KeyReadOnlyError("This key is revoked, which is final.", remedies=(Remedy.CREATE_KEY,))


def no_name() -> InvalidRequestError:
    """Returns the error for a new key without a name."""
    return InvalidRequestError("'name' is missing: say what the key is for.", param="name")


def unknown_field(name: str, known: Iterable[str]) -> InvalidRequestError:
    """Returns the error for a field that keys do not have."""
    shown = name[:LONGEST_SHOWN]
    return InvalidRequestError(
        f"'{shown}' is not a field here: use {', '.join(known)}.", param=shown
    )


def wrong_field(name: str, fault: str) -> InvalidRequestError:
    """Returns the error for a value; `fault` says what it must be."""
    return InvalidRequestError(f"'{name}' {fault}.", param=name)
