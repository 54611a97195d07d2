"""A list of a transcript's entries, in batches of turns, without I/O.

Each batch begins with an entry of its own that names the batch before it by checksum. So a list may
also hold batches of turns that were never acknowledged, in any order, and copies of a batch whose
`append` was tried twice: the conversation up to a checksum is found by following the checksums.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise

from modegate.application.ports.transcript_archive import Entry
from modegate.lazy_dataclass import dataclass

# The type of the entry that begins a batch. The CLI has no such type.
BATCH = "modegate-turn"
CHECKSUM_LENGTH = 32
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries that a turn added to the transcript, and the checksum up to here."""

    turn: int
    previous: str
    checksum: str
    entries: Sequence[Entry]

    @classmethod
    def after(cls, previous: str, turn: int, entries: Sequence[Entry]) -> "Batch":
        """Returns the batch that follows the one with the checksum `previous`."""
        return cls(turn, previous, _checksum(previous, entries), entries)

    def lines(self) -> list[Entry]:
        """Returns the entries for the list."""
        head = {
            "type": BATCH,
            "turn": self.turn,
            "previous": self.previous,
            "checksum": self.checksum,
        }
        return [head, *self.entries]


def conversation(lines: Sequence[Entry], checksum: str) -> list[Batch] | None:
    """Returns the batches of the conversation up to `checksum`; None if one is missing or damaged."""
    found: dict[str, list[Batch]] = defaultdict(list)
    for batch in _batches(lines):
        found[batch.checksum].append(batch)
    backwards: list[Batch] = []
    while checksum != NOTHING:
        intact = [it for it in found.pop(checksum, ()) if _is_intact(it)]
        if not intact:
            return None
        backwards.append(intact[0])
        checksum = intact[0].previous
    return backwards[::-1]


def _batches(lines: Sequence[Entry]) -> Iterator[Batch]:
    starts = [number for number, line in enumerate(lines) if line.get("type") == BATCH]
    for start, end in pairwise([*starts, len(lines)]):
        head = lines[start]
        turn, previous, checksum = (head.get(it) for it in ("turn", "previous", "checksum"))
        if isinstance(turn, int) and isinstance(previous, str) and isinstance(checksum, str):
            yield Batch(turn, previous, checksum, lines[start + 1 : end])


def _is_intact(batch: Batch) -> bool:
    return _checksum(batch.previous, batch.entries) == batch.checksum


def _checksum(previous: str, entries: Sequence[Entry]) -> str:
    """Returns the checksum of a conversation; archives may change the order of an entry's keys."""
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"))
    return sha256(f"{previous}\n{text}".encode()).hexdigest()[:CHECKSUM_LENGTH]
