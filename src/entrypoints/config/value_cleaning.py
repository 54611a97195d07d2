"""Removes what editors, `docker run --env-file` and mounted secrets add around a value."""

import re
import unicodedata

from modegate.lazy_dataclass import dataclass

BYTE_ORDER_MARK = "\ufeff"
QUOTES = "\"'"
# At only one end of a value, or from a word processor, these are mistakes.
STRAY_QUOTES = (*QUOTES, "`", "\u2018", "\u2019", "\u201c", "\u201d", "\u201e", "\u00ab", "\u00bb")
LINE_ENDS = "\r\n"
# Shells and TOML end a value here; `docker run --env-file` does not.
COMMENT = re.compile(r"\s#")
# Joiners of scripts and emoji, which are valid in folder names.
MEANT = "\u200c\u200d"
IMPOSSIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
# Python's surrogate escapes for bytes that are not UTF-8.
FIRST_UNDECODED, LAST_UNDECODED = "\udc80", "\udcff"

BLANKS, ENDS, MARK, PAIR = "blanks", "line ends", "a byte order mark", "quotes"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned value; `removed` names the kinds of removed characters."""

    value: str
    removed: tuple[str, ...] = ()


def clean(text: str) -> Cleaned:
    """Removes blanks, line ends, byte order marks, and then one pair of quotes, around a value.

    Keeps the quotes if the value contains the same quotes inside, because they may not be a pair.
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
    """Returns the cleaned items of a comma-separated list, and the removed kinds of characters.

    Blanks next to commas are not reported.
    """
    whole = clean(text)
    items = [clean(item) for item in whole.value.split(",")]
    removed = {*whole.removed, *(it for item in items for it in item.removed if it != BLANKS)}
    kept = [item.value for item in items if item.value]
    return kept, tuple(it for it in (BLANKS, ENDS, MARK, PAIR) if it in removed)


def impossible_character(text: str) -> str | None:
    """Returns the first character that is invalid in settings, such as `U+000D`, or None."""
    for letter in text:
        if letter != " " and letter not in MEANT and unicodedata.category(letter) in IMPOSSIBLE:
            return f"U+{ord(letter):04X}"
    return None


def text_fault(text: str) -> str | None:
    """Returns the reason why a cleaned text is invalid for every setting, or None."""
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
    """Returns the text with non-printable characters escaped, safe for terminals."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _strip(text: str) -> str:
    """Removes blanks and byte order marks at both ends, in any order."""
    while text != (shorter := text.strip().strip(BYTE_ORDER_MARK)):
        text = shorter
    return text


def _removed(text: str, stripped: str) -> set[str]:
    around = text.replace(stripped, "", 1) if stripped else text
    return {
        ENDS if letter in LINE_ENDS else MARK if letter == BYTE_ORDER_MARK else BLANKS
        for letter in around
    }
