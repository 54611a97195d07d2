"""Headers added to every response."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping

from modegate.domain.quota import Quota
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.request_log import Scope

Headers = list[tuple[bytes, bytes]]

LONGEST_ID = 128

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}
# Proxies that buffer or compress a response would delay its events.
STREAM_HEADERS = SECURITY_HEADERS | {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
# The version and the variant in a UUID (RFC 9562, section 5.4).
VERSION_BITS = 0xF << 76 | 0x3 << 62
VERSION_4 = 0x4 << 76 | 0x2 << 62


def _encoded(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


SECURITY, STREAMED = _encoded(SECURITY_HEADERS), _encoded(STREAM_HEADERS)
NAMES = frozenset(name for name, _ in STREAMED)


class CommonHeaders:
    """Adds the request id, the strictest quota, and headers for browsers and proxies.

    `quota` returns the remaining quota of a request's address.
    """

    def __init__(self, quota: Callable[[Scope], Awaitable[Quota]]) -> None:
        self.quota = quota

    def add_to(
        self, own: Headers, named: Mapping[bytes, bytes], record: RequestRecord, *, streams: bool
    ) -> Headers:
        """Returns the `own` headers and the common ones; `own` overrides security headers.

        `named` are the own headers by name; `streams` says whether the body is an event stream.
        """
        headers = own.copy()
        headers.append((b"x-request-id", (record.request_id or "").encode()))
        if (quota := record.quota) is not None:
            headers += (
                (b"x-ratelimit-limit", b"%d" % quota.limit),
                (b"x-ratelimit-remaining", b"%d" % quota.remaining),
                (b"x-ratelimit-reset", b"%d" % math.ceil(quota.reset_at)),
            )
        common = STREAMED if streams else SECURITY
        if named.keys().isdisjoint(NAMES):
            headers += common
        else:
            headers += [header for header in common if header[0] not in named]
        return headers


def request_id_of(wish: str | None) -> str:
    """Returns the client's id if it is 1 to 128 visible ASCII characters, else a new UUID."""
    if wish and len(wish) <= LONGEST_ID and all("!" <= character <= "~" for character in wish):
        return wish
    # A UUIDv4 that need not be unpredictable, so `random` is enough.
    h = f"{random.getrandbits(128) & ~VERSION_BITS | VERSION_4:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
