"""Finds variables with the prefix MODEGATE_ that are not settings: typos, platform variables."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from modegate.entrypoints.config.value_cleaning import printable

OWN_PREFIX = "MODEGATE_"
# Kubernetes and Docker links set these for a service called `modegate` or `modegate-…`.
OF_A_SERVICE = re.compile(
    r"MODEGATE_(?:\w+_)?(?:"
    r"SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)?"
    r")|MODEGATE_ENV_\w+|MODEGATE_NAME"
)
MOST_NAMED = 8


def foreign_variables(
    names: Iterable[str], known: Collection[str], settings: Collection[str]
) -> Iterator[str]:
    """Yields a warning per unknown variable with the nearest name, and one for all of a service.

    `known` contains valid variables with the prefix; `settings` contains all setting variables.
    """
    unknown = sorted(it for it in names if it.startswith(OWN_PREFIX) and it not in known)
    of_a_service = [name for name in unknown if OF_A_SERVICE.fullmatch(name)]
    meant = {name.removeprefix(OWN_PREFIX): name for name in (*known, *settings)}
    for name in unknown:
        if name not in of_a_service:
            near = nearest(name.removeprefix(OWN_PREFIX), meant)
            yield f"{printable(name)}: unknown variable{near}"
    if of_a_service:
        more = "" if len(of_a_service) <= MOST_NAMED else ", …"
        yield (
            f"{', '.join(of_a_service[:MOST_NAMED])}{more}: ignored, for Kubernetes or Docker sets "
            "them for a service of this name; the address to listen on is in HOST and PORT"
        )


def nearest(name: str, meant: Mapping[str, str]) -> str:
    """Returns a suggestion with the value of the closest key; empty if no key is close."""
    near = difflib.get_close_matches(name, meant, n=1)
    return f"; did you mean {meant[near[0]]}?" if near else ""
