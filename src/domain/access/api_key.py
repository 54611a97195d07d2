"""API keys."""

import hashlib
import re
from dataclasses import dataclass, field

from modegate.domain.errors import InvalidHeaderError

BEARER = "bearer"
LONGEST_KEY = 256
SHORTEST_SHOWN = 9
LONGEST_HEAD = 12
TAIL = 4
# A key that a client made up may hold anything; the log and terminals get none of it.
NOT_SHOWN = re.compile(r"[^!-~]")


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


def bearer_key(authorization: str | None) -> ApiKey | None:
    """The key in the header `Authorization`, whose scheme is `Bearer` in any case; None without."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return ApiKey(key.strip()) if scheme.lower() == BEARER and key.strip() else None


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
