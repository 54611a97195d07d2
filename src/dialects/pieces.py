"""Long texts in pieces."""

from collections.abc import Sequence

# Go's `bufio.Scanner` fails on lines longer than 64 KiB; an escaped character has six bytes.
MAX_PIECE_CHARACTERS = 8 * 1024


def in_pieces(text: str) -> Sequence[str]:
    """Returns the text in pieces that each fit on one line of a stream."""
    if len(text) <= MAX_PIECE_CHARACTERS:
        return (text,)
    starts = range(0, len(text), MAX_PIECE_CHARACTERS)
    return [text[start : start + MAX_PIECE_CHARACTERS] for start in starts]
