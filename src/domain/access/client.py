"""Clients and their API keys."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NewType

from modegate.domain.errors import InvalidHeaderError, InvalidKeyError, MissingKeyError

ClientId = NewType("ClientId", str)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A secret key; only `reveal` returns it. `str` and `repr` are safe to log."""

    _secret: str = field(repr=False)

    def reveal(self) -> str:
        """Returns the key itself, for code that sends or compares it."""
        return self._secret

    def __str__(self) -> str:
        return mask(self._secret)

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest of the key."""
        return hashlib.sha256(self._secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key: `id` is derived from its digest, `label` is for the log."""

    id: ClientId
    label: str

    @classmethod
    def of(cls, key: ApiKey) -> "Client":
        """Returns the client that holds the key."""
        return cls(ClientId(key.digest.hex()[:32]), str(key))


ANONYMOUS = Client(ClientId("anonymous"), "-")
"""The only client when no keys are configured."""

BEARER = "bearer"


def bearer_key(authorization: str | None) -> ApiKey | None:
    """Returns the key of a `Bearer` `Authorization` header (any case), or None."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return ApiKey(key.strip()) if scheme.lower() == BEARER and key.strip() else None


class KeyRing:
    """The API keys that the gateway accepts; without keys, every client is anonymous."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._clients = {key.digest: Client.of(key) for key in keys}

    def __len__(self) -> int:
        return len(self._clients)

    def identify(self, authorization: str | None) -> Client:
        """Returns the client whose key is in the `Authorization` header.

        The comparison takes the same time whichever key matches, and if none matches.

        Raises:
            MissingKeyError: if the header has no `Bearer` key.
            InvalidKeyError: if the key is not in the ring.
        """
        if not self._clients:
            return ANONYMOUS
        key = bearer_key(authorization)
        if key is None:
            raise MissingKeyError(
                "Missing API key: send Authorization: Bearer YOUR_KEY, as the OpenAI SDKs do with "
                "api_key or OPENAI_API_KEY."
            )
        found: Client | None = None
        presented = key.digest
        for digest, client in self._clients.items():
            if hmac.compare_digest(digest, presented):
                found = client
        if found is None:
            raise InvalidKeyError(
                "Invalid API key in Authorization: Bearer: ask the operator of this server for "
                "one. Send a key for the upstream in X-OpenAI-API-Key.",
                label=str(key),
            )
        return found


LONGEST_KEY = 256


def parse_upstream_key(text: str) -> ApiKey:
    """Returns the client's own key for the upstream.

    Raises:
        InvalidHeaderError: if the text is not 1 to 256 visible ASCII characters.
    """
    if not 1 <= len(text) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in text):
        raise InvalidHeaderError(
            f"X-OpenAI-API-Key must be a key of 1 to {LONGEST_KEY} visible ASCII characters; leave "
            "it out to use the server's key.",
            param="X-OpenAI-API-Key",
        )
    return ApiKey(text)


SHORTEST_SHOWN = 9
LONGEST_HEAD = 12
TAIL = 4
# A key that a client made up may hold anything; the log and terminals get none of it.
NOT_SHOWN = re.compile(r"[^!-~]")


def mask(secret: str) -> str:
    """Masks a key for display: `sk-cca-…7f3a` becomes `sk-cca-****7f3a`.

    Shows the prefix up to the second hyphen, and the last 4 characters. A key of 8 characters or
    fewer is masked completely. If the prefix is too long, or the rest too short, only the last 4
    characters are shown. Characters that are not visible ASCII are shown as `?`.
    """
    if len(secret) < SHORTEST_SHOWN:
        return "****"
    *kept, rest = secret.split("-", 2)
    head = "-".join((*kept, "")) if len(kept) == 2 else ""  # noqa: PLR2004
    if len(head) > LONGEST_HEAD or len(rest) < 2 * TAIL:
        head = ""
    return NOT_SHOWN.sub("?", f"{head}****{secret[-TAIL:]}")
