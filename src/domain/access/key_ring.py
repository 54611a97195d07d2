"""The API keys that the gateway accepts."""

import hmac
from collections.abc import Iterable

from modegate.domain.access.api_key import ApiKey, bearer_key
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.errors import InvalidKeyError, MissingKeyError


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
            raise MissingKeyError(
                "This server wants a key: send Authorization: Bearer YOUR_KEY, as the OpenAI SDKs "
                "do with api_key or OPENAI_API_KEY."
            )
        found: Client | None = None
        presented = key.digest
        for digest, client in self._clients.items():
            if hmac.compare_digest(digest, presented):
                found = client
        if found is None:
            raise InvalidKeyError(
                "The key in Authorization: Bearer is not one of this server's: ask its operator "
                "for one. A key for the upstream goes into X-OpenAI-API-Key.",
                label=str(key),
            )
        return found
