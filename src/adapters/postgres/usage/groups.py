"""The ids of groups: combinations of dimensions, which are stored once."""

from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

from modegate.adapters.postgres.connection import Connection

Dimensions = tuple[str | None, ...]

MOST_GROUPS = 10_000
# In one order for all gateways, so that none waits for another in a circle.
INSERT = """
INSERT INTO modegate_usage_groups
(digest, key, model, used_model, upstream, credential, mode, endpoint)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO NOTHING
"""
FIND = "SELECT digest, id FROM modegate_usage_groups WHERE digest = ANY(%s)"


class GroupIds:
    """Remembers the ids of groups, which are never deleted, as long as there is one connection."""

    def __init__(self) -> None:
        self._ids: dict[Dimensions, int] = {}
        self._connection: Connection | None = None

    def find(self, connection: Connection, used: Iterable[Dimensions]) -> dict[Dimensions, int]:
        """Returns the ids of the groups that are used, which are stored if they are new."""
        if connection is not self._connection or len(self._ids) > MOST_GROUPS:
            self._ids.clear()
            self._connection = connection
        wanted = set(used)
        new = {_digest(it): it for it in wanted if it not in self._ids}
        found = {it: self._ids[it] for it in wanted if it in self._ids}
        if new:
            values = [(it, *(text or "" for text in new[it])) for it in sorted(new)]
            connection.cursor().executemany(INSERT, values)
            for digest, number in connection.execute(FIND, [list(new)]):
                found[new[digest]] = number
        return found

    def remember(self, ids: dict[Dimensions, int]) -> None:
        """Remembers ids that have been committed."""
        self._ids.update(ids)


def _digest(dimensions: Dimensions) -> UUID:
    text = "\0".join(it or "" for it in dimensions)
    return UUID(bytes=blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest())
