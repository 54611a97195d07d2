"""Headers added to every response."""

import math
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from modegate.domain.budgets.account import NANO_USD, Balance, Unit
from modegate.domain.quota import Quota
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.http.middleware.request_log import Scope

Headers = list[tuple[bytes, bytes]]

LONGEST_ID = 128
VISIBLE = re.compile(rb"[!-~]+")
# Key in the extensions of the ASGI scope.
RESPONSE_HEAD = "modegate.response_head"

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
# One of the four digits that tell the variant of a UUID (RFC 9562, section 4.1).
VARIANT = "a"


def _encoded(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


SECURITY, STREAMED = _encoded(SECURITY_HEADERS), _encoded(STREAM_HEADERS)
NAMES = frozenset(name for name, _ in STREAMED)
LINES = (
    b"x-request-id: %b\r\nx-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\n"
    b"x-ratelimit-reset: %d\r\n%b"
)
MODE_LINES: Mapping[str, bytes] = {mode: b"x-backend-mode: %b\r\n" % mode.encode() for mode in Mode}
LINES_WITHOUT_QUOTA = b"x-request-id: %b\r\n%b"
SECURITY_LINES, STREAMED_LINES = _joined(SECURITY), _joined(STREAMED)


class ResponseHead(Protocol):
    """An extension of the ASGI scope: adds lines to the head of a response.

    A server checks and copies each header by itself, which costs more than creating it.
    """

    def add_lines(self, lines: bytes) -> None:
        """Adds header lines, each with its end, to the head that the server writes next."""


class CommonHeaders:
    """The request id, the strictest quota, the mode, and headers for browsers and proxies.

    `quota` returns the remaining quota of a request's address, None if it cannot be read. While
    `is_draining`, each response is the last one of its connection, so that clients and proxies open
    the next one elsewhere.
    """

    def __init__(
        self,
        quota: Callable[[Scope], Awaitable[Quota | None]],
        is_draining: Callable[[], bool] = bool,
    ) -> None:
        self.quota = quota
        self.is_draining = is_draining

    def lines(
        self,
        own: Mapping[bytes, bytes],
        record: RequestRecord,
        quota: Quota | None,
        *,
        streams: bool,
    ) -> bytes:
        """Returns the header lines; the `own` headers of a response override security headers.

        `streams` says whether the body is an event stream.
        """
        security = STREAMED_LINES if streams else SECURITY_LINES
        if not own.keys().isdisjoint(NAMES):
            common = STREAMED if streams else SECURITY
            security = _joined(header for header in common if header[0] not in own)
        if record.mode is not None:
            security += MODE_LINES[record.mode]
        if record.budget:
            security += _budget_lines(record.budget)
        request_id = (record.request_id or "").encode()
        if quota is None:
            return LINES_WITHOUT_QUOTA % (request_id, security)
        return LINES % (
            request_id,
            quota.limit,
            quota.remaining,
            math.ceil(quota.reset_at),
            security,
        )


def _budget_lines(balances: Iterable[Balance]) -> bytes:
    """Returns what is left of the budget of the request's key."""
    return b"".join(
        b"x-budget-remaining-usd: %.6f\r\n" % (it.remaining / NANO_USD)
        if it.account.unit is Unit.NANO_USD
        else b"x-budget-remaining-tokens: %d\r\n" % it.remaining
        for it in balances
    )


def as_headers(lines: bytes) -> Headers:
    """Returns header lines as a list, for servers without `ResponseHead`."""
    parts = [line.partition(b": ") for line in lines.splitlines()]
    return [(name, value) for name, _, value in parts]


def request_id_of(wish: bytes | None) -> str:
    """Returns the client's id if it is 1 to 128 visible ASCII characters, else a new UUID."""
    if wish and len(wish) <= LONGEST_ID and VISIBLE.fullmatch(wish):
        return wish.decode()
    # A UUIDv4 that need not be unpredictable, so `random` is enough.
    digits = random.randbytes(16).hex()  # noqa: S311
    variable = f"4{digits[13:16]}-{VARIANT}{digits[17:20]}"
    return f"{digits[:8]}-{digits[8:12]}-{variable}-{digits[20:]}"
