"""Offers of another protocol, which nobody has to take; without I/O.

The parser would take one for accepted, and the body behind it for that protocol.
"""

import re

UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
OFFER = b"upgrade:"
DECLINED = b"\r\nx-declined:"
END = b"\r\n\r\n"
# The last bytes of a piece that may yet become an offer, or the head's end.
UNDECIDED = frozenset(
    whole[:length] for whole in (b"\r\n" + OFFER, END) for length in range(1, len(whole))
)


class UpgradeFilter:
    """Declines the offers in the head of one request after the other.

    What a piece cannot decide waits for the next: a few bytes, so that the parser sees at once what
    is not HTTP.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """More of a head, perhaps with what follows it, as the parser is to see it."""
        if self._held:
            data = self._held + data
        head, end, _ = data.partition(END)
        self._held = b"" if end else _undecided(head)
        if self._held:
            data = head = head.removesuffix(self._held)
        # A plain search is many times faster than a pattern, and nearly always answers.
        if OFFER not in head.lower():
            return data
        return UPGRADE.sub(DECLINED, head) + data[len(head) :]


def _undecided(head: bytes) -> bytes:
    last_line = head[at:] if (at := head.rfind(b"\r\n")) >= 0 else b""
    if last_line.lower() in UNDECIDED:
        return last_line
    return b"\r" if head.endswith(b"\r") else b""
