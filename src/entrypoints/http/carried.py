"""What every response carries, whoever made it."""

import math
import random
from collections.abc import Awaitable, Callable, Iterable

from modegate.domain.quota import Quota
from modegate.entrypoints.http.record import Record, Scope

Headers = list[tuple[bytes, bytes]]

LONGEST_ID = 128

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}
SECURITY = tuple((k.lower().encode(), v.encode()) for k, v in SECURITY_HEADERS.items())


class Carried:
    """The request's id, the tightest limit, and what tells browsers to trust nothing.

    `quota` tells what is left to the address of a request.
    """

    def __init__(self, quota: Callable[[Scope], Awaitable[Quota]]) -> None:
        self._quota = quota

    async def beside(
        self, own: Iterable[tuple[bytes, bytes]], scope: Scope, record: Record
    ) -> Headers:
        """The response's `own` headers, and these; a page that needs another policy says so itself.

        Where the request was not counted, the limit is its address's.
        """
        headers = list(own)
        named = {name for name, _ in headers}
        quota = record.quota or await self._quota(scope)
        return [
            *headers,
            (b"x-request-id", (record.request_id or "").encode()),
            (b"x-ratelimit-limit", b"%d" % quota.limit),
            (b"x-ratelimit-remaining", b"%d" % quota.remaining),
            (b"x-ratelimit-reset", b"%d" % math.ceil(quota.reset_at)),
            *(header for header in SECURITY if header[0] not in named),
        ]


def request_id_of(wish: str | None) -> str:
    """The client's own id where it is 1 to 128 visible ASCII characters, else a new UUID."""
    if wish and len(wish) <= LONGEST_ID and all("!" <= character <= "~" for character in wish):
        return wish
    # A UUID of version 4; nobody has to be unable to guess it.
    h = f"{random.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) % 4]}{h[17:20]}-{h[20:]}"
