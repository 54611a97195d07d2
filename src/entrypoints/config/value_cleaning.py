"""What editors, `docker run --env-file` and mounted secrets put around a value, and taking it off."""

import re
import unicodedata
from dataclasses import dataclass

BYTE_ORDER_MARK = "\ufeff"
QUOTES = "\"'"
# A value that begins or ends with one of these has lost the other, or came from a word processor.
STRAY_QUOTES = (*QUOTES, "`", "\u2018", "\u2019", "\u201c", "\u201d", "\u201e", "\u00ab", "\u00bb")
LINE_ENDS = "\r\n"
# Shells and TOML end a value here; `docker run --env-file` takes it as a part.
COMMENT = re.compile(r"\s#")
# Joiners of scripts and emoji: in the name of a folder they are meant.
MEANT = "\u200c\u200d"
IMPOSSIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
# Bytes that are not UTF-8, as Python keeps them.
FIRST_UNDECODED, LAST_UNDECODED = "\udc80", "\udcff"

BLANKS, ENDS, MARK, PAIR = "blanks", "line ends", "a byte order mark", "quotes"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A value without what surrounded it; `removed` says what that was."""

    value: str
    removed: tuple[str, ...] = ()


def clean(text: str) -> Cleaned:
    """Removes blanks, line ends, byte order marks, and then one pair of quotes, around a value.

    Quotes stay where the same ones are within: then they may not be a pair.
    """
    stripped = _strip(text)
    removed = _removed(text, stripped)
    if len(stripped) > 1 and stripped[0] in QUOTES and stripped[-1] == stripped[0]:
        within = stripped[1:-1]
        if stripped[0] not in within:
            stripped = _strip(within)
            removed |= {PAIR} | _removed(within, stripped)
    return Cleaned(stripped, tuple(it for it in (BLANKS, ENDS, MARK, PAIR) if it in removed))


def clean_list(text: str) -> tuple[list[str], tuple[str, ...]]:
    """The items of a comma list, each cleaned, and what was removed; blanks at commas are usual."""
    whole = clean(text)
    items = [clean(item) for item in whole.value.split(",")]
    removed = {*whole.removed, *(it for item in items for it in item.removed if it != BLANKS)}
    kept = [item.value for item in items if item.value]
    return kept, tuple(it for it in (BLANKS, ENDS, MARK, PAIR) if it in removed)


def impossible_character(text: str) -> str | None:
    """Names the first character that no setting can hold, such as `U+000D`; None without one."""
    for letter in text:
        if letter != " " and letter not in MEANT and unicodedata.category(letter) in IMPOSSIBLE:
            return f"U+{ord(letter):04X}"
    return None


def text_fault(text: str) -> str | None:
    """Why a cleaned text cannot be right, whatever it is for; None where it can."""
    if any(FIRST_UNDECODED <= letter <= LAST_UNDECODED for letter in text):
        return "must be text in UTF-8"
    if character := impossible_character(text):
        return f"must not hold {character}, which cannot be seen: write it by hand"
    if text.startswith(STRAY_QUOTES) or text.endswith(STRAY_QUOTES):
        return "must not begin or end with a quotation mark"
    if COMMENT.search(text):
        return "must not hold a comment: write it on a line of its own"
    return None


def printable(text: str) -> str:
    """Text that no terminal takes for an order."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _strip(text: str) -> str:
    """Without blanks and byte order marks at both ends, in whatever order."""
    while text != (shorter := text.strip().strip(BYTE_ORDER_MARK)):
        text = shorter
    return text


def _removed(text: str, stripped: str) -> set[str]:
    around = text.replace(stripped, "", 1) if stripped else text
    return {
        ENDS if letter in LINE_ENDS else MARK if letter == BYTE_ORDER_MARK else BLANKS
        for letter in around
    }
