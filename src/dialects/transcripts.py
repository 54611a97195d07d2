"""The form in which entries of a transcript are stored: JSON, compressed where it pays."""

import json
import zlib
from collections.abc import Sequence
from typing import Any

# The first byte says how the rest is stored.
PLAIN, DEFLATED = b"j", b"z"
# Fewer bytes are stored as they are: zlib would save less than it costs.
LEAST_BYTES = 512
# Transcripts shrink to a third at this level, at 100 MB/s; the highest level saves 5 % more.
LEVEL = 1


def encode_entries(entries: Sequence[dict[str, Any]]) -> bytes:
    """Returns the entries as bytes."""
    data = json.dumps(entries, separators=(",", ":")).encode()
    if len(data) < LEAST_BYTES:
        return PLAIN + data
    return DEFLATED + zlib.compress(data, LEVEL)


def decode_entries(stored: bytes) -> list[dict[str, Any]]:
    """Returns the entries.

    Raises:
        ValueError: these bytes are no entries.
    """
    data = stored[1:]
    if stored[:1] == DEFLATED:
        try:
            data = zlib.decompress(data)
        except zlib.error as error:
            raise ValueError("these bytes were not compressed") from error
    entries = json.loads(data)
    if not isinstance(entries, list):
        raise ValueError("these bytes hold no list")  # noqa: TRY004 - the bytes are wrong
    return entries
