"""Checks the fields of an object in a request."""

from collections.abc import Mapping

from modegate.domain.errors.catalogue import parameters
from modegate.domain.parameters.kinds import CHECKS, Kind

# By the name of a field, the kind of its value, or the texts that it may be.
Fields = Mapping[str, Kind | tuple[str, ...]]


def check_fields(where: str, given: Mapping[str, object], fields: Fields) -> None:
    """Checks the fields that an object has; null counts as absent. `where` is the path to it.

    Raises:
        InvalidRequestError: a value is of another kind; `param` names it: `reasoning.summary`.
    """
    for name, wanted in fields.items():
        value = given.get(name)
        if value is None:
            continue
        if isinstance(wanted, Kind):
            if not CHECKS[wanted](value):
                raise parameters.wrong_type(f"{where}.{name}", wanted.value)
        elif value not in wanted:
            raise parameters.wrong_type(f"{where}.{name}", " or ".join(wanted))
