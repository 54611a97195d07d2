"""Disables `Upgrade` headers in a request head before parsing (sans-I/O).

The parser would treat an upgrade as accepted, and the body as data of the new protocol.
"""

import re

UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
OFFER = b"upgrade:"
DECLINED = b"\r\nx-declined:"
END = b"\r\n\r\n"
# Endings of a chunk that may continue as an `Upgrade` header or as the end of the head.
UNDECIDED = frozenset(
    whole[:length] for whole in (b"\r\n" + OFFER, END) for length in range(1, len(whole))
)


class UpgradeFilter:
    """Renames the `Upgrade` headers in the heads of consecutive requests.

    Holds back only an undecided ending of a few bytes, so that the parser detects invalid HTTP
    immediately.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Returns the next bytes for the parser, with `Upgrade` headers of the head renamed."""
        if self._held:
            data = self._held + data
        head, end, _ = data.partition(END)
        self._held = b"" if end else _undecided(head)
        if self._held:
            data = head = head.removesuffix(self._held)
        # A plain search is many times faster than the pattern, and nearly always sufficient.
        if OFFER not in head.lower():
            return data
        return UPGRADE.sub(DECLINED, head) + data[len(head) :]


def _undecided(head: bytes) -> bytes:
    last_line = head[at:] if (at := head.rfind(b"\r\n")) >= 0 else b""
    if last_line.lower() in UNDECIDED:
        return last_line
    return b"\r" if head.endswith(b"\r") else b""
