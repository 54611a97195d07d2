"""Who asks, and the keys that they hold."""

from dataclasses import dataclass, field
from typing import NewType

from modegate.domain.errors import InvalidHeaderError

ClientId = NewType("ClientId", str)

ANONYMOUS = ClientId("anonymous")
"""The one client that there is where no keys are configured."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A secret; only `reveal` shows it, and its representation is safe to log."""

    _secret: str = field(repr=False)

    def reveal(self) -> str:
        """The key itself, for the one place that sends or compares it."""
        return self._secret

    def __str__(self) -> str:
        return mask(self._secret)


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
LONGEST_HEAD = 8
TAIL = 4


def mask(secret: str) -> str:
    """`sk-cca-…7f3a` as `sk-cca-****7f3a`: up to the second hyphen, and the last four.

    Eight characters or fewer show nothing at all, and a key whose parts are so long or so short
    that little would stay hidden shows its tail alone.
    """
    if len(secret) < SHORTEST_SHOWN:
        return "****"
    *kept, rest = secret.split("-", 2)
    head = "-".join((*kept, "")) if len(kept) == 2 else ""  # noqa: PLR2004
    if len(head) > LONGEST_HEAD or len(rest) < 2 * TAIL:
        head = ""
    return f"{head}****{secret[-TAIL:]}"
