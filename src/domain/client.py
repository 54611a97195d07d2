"""Who asks, and the keys that they hold."""

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
    """A secret; only `reveal` shows it, and its representation is safe to log."""

    _secret: str = field(repr=False)

    def reveal(self) -> str:
        """The key itself, for the one place that sends or compares it."""
        return self._secret

    def __str__(self) -> str:
        return mask(self._secret)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the key."""
        return hashlib.sha256(self._secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of a key: `id` is a digest of it, `label` is for the log."""

    id: ClientId
    label: str

    @classmethod
    def of(cls, key: ApiKey) -> "Client":
        """Whoever holds the key."""
        return cls(ClientId(key.digest.hex()[:32]), str(key))


ANONYMOUS = Client(ClientId("anonymous"), "-")
"""The one client that there is where no keys are configured."""

BEARER = "bearer"


def bearer_key(authorization: str | None) -> ApiKey | None:
    """The key in the header `Authorization`, whose scheme is `Bearer` in any case; None without."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return ApiKey(key.strip()) if scheme.lower() == BEARER and key.strip() else None


class KeyRing:
    """The keys that open the gateway; without any, everybody is the anonymous client."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._clients = {key.digest: Client.of(key) for key in keys}

    def __len__(self) -> int:
        return len(self._clients)

    def identify(self, authorization: str | None) -> Client:
        """The client whose key is in the header `Authorization`.

        Takes as long for one key as for any other, and for none.

        Raises:
            MissingKeyError: there is no key in it, or not as `Bearer`.
            InvalidKeyError: the key is none of the ring's.
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


LONGEST_KEY = 256


def parse_upstream_key(text: str) -> ApiKey:
    """The client's own key for the upstream.

    Raises:
        InvalidHeaderError: it cannot be a key.
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
    """`sk-cca-…7f3a` as `sk-cca-****7f3a`: up to the second hyphen, and the last four.

    Eight characters or fewer show nothing at all, and a key whose parts are so long or so short
    that little would stay hidden shows its tail alone. What is not visible ASCII is shown as `?`.
    """
    if len(secret) < SHORTEST_SHOWN:
        return "****"
    *kept, rest = secret.split("-", 2)
    head = "-".join((*kept, "")) if len(kept) == 2 else ""  # noqa: PLR2004
    if len(head) > LONGEST_HEAD or len(rest) < 2 * TAIL:
        head = ""
    return NOT_SHOWN.sub("?", f"{head}****{secret[-TAIL:]}")
