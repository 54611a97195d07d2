"""The API keys that the gateway accepts."""

import hmac
from collections.abc import Iterable

from modegate.domain.access.api_key import ApiKey, bearer_key
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.errors.catalogue import access


class KeyRing:
    """The accepted keys. Without any, every client is the anonymous client."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._clients = {key.digest: Client.of(key) for key in keys}

    def __len__(self) -> int:
        return len(self._clients)

    def identify(self, authorization: str | None) -> Client:
        """Returns the client whose key is in the header `Authorization`.

        The comparison takes the same time for valid and invalid keys.

        Raises:
            MissingKeyError: if the header has no `Bearer` key.
            InvalidKeyError: if the key is not in the ring.
        """
        if not self._clients:
            return ANONYMOUS
        key = bearer_key(authorization)
        if key is None:
            raise access.missing_key()
        found: Client | None = None
        presented = key.digest
        for digest, client in self._clients.items():
            if hmac.compare_digest(digest, presented):
                found = client
        if found is None:
            raise access.unknown_key(str(key))
        return found
