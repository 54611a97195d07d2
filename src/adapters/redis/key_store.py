"""Keys of clients that several gateways share, without their secrets."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.adapters.redis.revisions import Revisions, Row
from modegate.application.keys.codec import decode_key, encode_key
from modegate.application.ports.key_store import StoredKey
from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.domain.errors.catalogue import keys as errors
from modegate.domain.errors.catalogue import storage

DIGEST_KEY = f"{PREFIX}keys-secret"
DIGEST_KEY_BYTES = 32
MADE_ONCE = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
""")

log = logging.getLogger(__name__)


class RedisKeyStore:
    """Stores the keys, and the secret of their digests, in a store that several gateways share."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._rows = Revisions(connection, "keys")

    async def digest_key(self) -> DigestKey:
        """Returns the secret of the store; of several gateways at once, the first one's counts."""
        made = secrets.token_hex(DIGEST_KEY_BYTES)
        found: bytes = await self._connection.run(MADE_ONCE, (DIGEST_KEY,), (made,))
        try:
            return DigestKey(bytes.fromhex(found.decode()))
        except ValueError as error:
            raise _unreadable(error) from error

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        """Returns the keys with a revision above `after`."""
        found = await self._rows.load(after)
        return [StoredKey(_decode(key_id, text), revision) for key_id, revision, text in found]

    async def add(self, key: ClientKey) -> StoredKey:
        """Stores a new key."""
        (revision,) = await self._rows.change((key.id,), lambda _: {key.id: encode_key(key)})
        return StoredKey(key, revision)

    async def change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> StoredKey:
        """Changes a key, unless another gateway does so at the same time: then it is read again."""
        changed: list[ClientKey] = []

        def replace(rows: Mapping[str, Row]) -> Mapping[str, str]:
            if key_id not in rows:
                raise errors.unknown()
            changed[:] = [apply(_decode(key_id, rows[key_id][1]))]
            return {key_id: encode_key(changed[0])}

        (revision,) = await self._rows.change((key_id,), replace)
        return StoredKey(changed[0], revision)


def _decode(key_id: str, text: bytes) -> ClientKey:
    try:
        return decode_key(key_id, text.decode())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> Exception:
    log.error("key in the store unreadable: %s", type(error).__name__)
    return storage.store_unreadable()
