"""Tables of objects of the admin API."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from modegate.entrypoints.cli.printable import strip_control_characters

Row = Mapping[str, object]

NOTHING = "-"


def render_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Sequence[str]:
    """Returns the lines of a table with a head."""
    cells = [tuple(columns), *(tuple(map(_text, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def time_text(at: object) -> object:
    """Returns a time in Unix seconds as text in UTC, or None."""
    if not isinstance(at, int):
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _text(value: object) -> str:
    return NOTHING if value is None else strip_control_characters(str(value))
