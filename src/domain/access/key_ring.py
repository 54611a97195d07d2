"""The API keys that the gateway accepts."""

import hmac
from collections.abc import Iterable

from modegate.domain.access.api_key import ApiKey, bearer_key, plain_key
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.errors.catalogue import access


class KeyRing:
    """The accepted keys. Without any, every client is the anonymous client.

    The keys of the settings have the ids `env-1`, `env-2` and so on, in their order.
    """

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        distinct = {key.digest: key for key in keys}
        self._clients = {
            digest: Client.of(key, f"env-{number}")
            for number, (digest, key) in enumerate(distinct.items(), 1)
        }

    def __len__(self) -> int:
        return len(self._clients)

    def identify(self, authorization: str | None, api_key: str | None = None) -> Client:
        """Returns the client whose key is in `authorization`, or is `api_key`; the first counts.

        `authorization` is a value of the header of this name. The comparison takes the same time
        for valid and invalid keys.

        Raises:
            MissingKeyError: if there is neither a `Bearer` key nor another one.
            InvalidKeyError: if none of the keys is in the ring.
        """
        if not self._clients:
            return ANONYMOUS
        bearer, other = bearer_key(authorization), plain_key(api_key)
        if bearer is None and other is None:
            raise access.missing_key()
        found = None if bearer is None else self._find(bearer)
        found_too = None if other is None else self._find(other)
        if (client := found or found_too) is None:
            raise access.unknown_key(str(bearer or other))
        return client

    def _find(self, key: ApiKey) -> Client | None:
        found: Client | None = None
        presented = key.digest
        for digest, client in self._clients.items():
            if hmac.compare_digest(digest, presented):
                found = client
        return found
