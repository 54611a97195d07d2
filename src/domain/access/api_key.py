"""API keys: parsing, digests and masking."""

import hashlib
import re
from dataclasses import field

from modegate.domain.errors.catalogue import access
from modegate.lazy_dataclass import dataclass

BEARER = "bearer"
LONGEST_KEY = 256
SHORTEST_SHOWN = 9
LONGEST_HEAD = 12
TAIL = 4
# An invalid key may contain any characters; only visible ASCII reaches the log.
NOT_SHOWN = re.compile(r"[^!-~]")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A secret key. `repr` and `str` are safe to log; `reveal` returns the secret."""

    _secret: str = field(repr=False)

    def reveal(self) -> str:
        """Returns the secret, for code that sends it."""
        return self._secret

    def __str__(self) -> str:
        return mask(self._secret)

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest of the key."""
        return hashlib.sha256(self._secret.encode("utf-8", "surrogatepass")).digest()


def bearer_key(authorization: str | None) -> ApiKey | None:
    """Returns the key of a `Bearer` header (scheme case-insensitive), or None if there is none."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    key = rest.strip()
    return ApiKey(key) if key and scheme.lower() == BEARER else None


def plain_key(text: str | None) -> ApiKey | None:
    """Returns the key of a header that holds nothing else, or None if there is none."""
    key = (text or "").strip()
    return ApiKey(key) if key else None


def parse_upstream_key(text: str) -> ApiKey:
    """Returns the client's own key for the upstream.

    Raises:
        InvalidHeaderError: if the text is not a valid key.
    """
    if not 1 <= len(text) <= LONGEST_KEY or not all("!" <= letter <= "~" for letter in text):
        raise access.invalid_upstream_key(LONGEST_KEY)
    return ApiKey(text)


def mask(secret: str) -> str:
    """Returns a masked secret: `sk-cca-…7f3a` becomes `sk-cca-****7f3a`.

    Shows the text up to the second hyphen and the last four characters. The head is omitted if it
    is too long, or if too little would stay hidden. Secrets of up to eight characters become
    `****`. Characters other than visible ASCII become `?`.
    """
    if len(secret) < SHORTEST_SHOWN:
        return "****"
    *kept, rest = secret.split("-", 2)
    head = "-".join((*kept, "")) if len(kept) == 2 else ""  # noqa: PLR2004
    if len(head) > LONGEST_HEAD or len(rest) < 2 * TAIL:
        head = ""
    return NOT_SHOWN.sub("?", f"{head}****{secret[-TAIL:]}")


def mask_address(address: str) -> str:
    """Returns an address without its user, password and query: `redis://****@host:6379/0`.

    Only the scheme is shown where the parts cannot be told apart.
    """
    scheme, _, rest = address.partition("://")
    place, _, query = rest.partition("?")
    if "@" in query:  # of a password with a question mark, perhaps
        return f"{scheme}://****"
    _, user, host = place.rpartition("@")
    return NOT_SHOWN.sub("?", f"{scheme}://{'****@' if user else ''}{host}")
