"""Removes secrets from a text, wherever the text is split into pieces."""

import re
from functools import cache

from modegate.domain.secrets.patterns import (
    AUTHORITY,
    FIRST_LETTERS,
    LONGEST_LOOK_BEHIND,
    NOT_IN_WORD,
    PEM_LINE,
    SECRET_PATTERNS,
)

# Bounds for a PEM block without line ends; `LONGEST_END` fits "-----END … KEY-----".
LONGEST_LINE = 512
LONGEST_END = 64


def _any_of(*kinds: str) -> re.Pattern[str]:
    """Returns one pattern with an alternative for each kind of each secret.

    The alternatives are ordered by secret. An earlier one that is still incomplete takes
    precedence over a later complete one, and the redactor waits for it.
    """
    alternatives = "|".join(
        f"(?P<{kind}{i}>{getattr(secret, kind)})"
        for i, secret in enumerate(SECRET_PATTERNS)
        for kind in kinds
    )
    # Rejects most positions immediately, which makes the search ten times faster.
    begins = f"(?:{AUTHORITY}|(?=[{FIRST_LETTERS}]){NOT_IN_WORD})"
    return re.compile(f"{begins}(?:{alternatives})")


# Compiled by the first use: it takes 40 ms, which a gateway that only relays should not spend.
@cache
def _complete() -> re.Pattern[str]:
    return _any_of("complete")


@cache
def _complete_or_prefix() -> re.Pattern[str]:
    return _any_of("complete", "prefix")


def prepare() -> None:
    """Compiles the patterns, so that the first text need not wait for that; takes 40 ms once."""
    _complete()
    _complete_or_prefix()


def redact(text: str) -> str:
    """Returns `text` with every secret replaced."""
    redactor = Redactor()
    return redactor.feed(text) + redactor.flush()


class Redactor:
    """Redacts a text piece by piece; the outputs concatenated are the redacted text.

    Only text that may still turn out to be a secret is held back.
    """

    def __init__(self) -> None:
        self._before = ""  # the last emitted characters, for look-behind patterns
        self._held = ""
        self._over = False
        self._inside = -1  # index of the current secret, or -1 outside one

    def feed(self, piece: str) -> str:
        """Returns the text that can be emitted after `piece`; may be empty."""
        return self._advance(piece, _complete_or_prefix())

    def flush(self) -> str:
        """Ends the text and returns what was held back, redacted."""
        self._over = True
        return self._advance("", _complete())

    def _advance(self, piece: str, pattern: re.Pattern[str]) -> str:
        text = self._before + self._held + piece
        at = len(self._before)
        out: list[str] = []
        while True:
            at = self._skip(text, at)
            found = None if self._inside >= 0 else pattern.search(text, at)
            end = found.start() if found else len(text)
            if self._inside < 0:
                out.append(text[at:end])
                at = end
            if found is None or found.lastgroup is None or found.lastgroup.startswith("prefix"):
                break
            self._inside = int(found.lastgroup.removeprefix("complete"))
            out.append(SECRET_PATTERNS[self._inside].shown)
            at = found.end()
        self._before = text[max(0, at - LONGEST_LOOK_BEHIND) : at]
        self._held = text[at:]
        return "".join(out)

    def _skip(self, text: str, at: int) -> int:
        """Returns the position after the current secret, as far as it is known."""
        if self._inside < 0:
            return at
        secret = SECRET_PATTERNS[self._inside]
        if secret.until is None:
            end = secret.more.match(text, at)
            at = end.end() if end else at
            if at < len(text) or not secret.more.pattern:
                self._inside = -1
            return at
        return self._skip_lines(text, at, secret.until)

    def _skip_most(self, text: str, at: int) -> int:
        """Returns the position before a possible block end, in a line too long to hold back."""
        last = len(text) - LONGEST_END
        if last - at < LONGEST_LINE:
            return at
        if text[at - 1] == "\n" and not PEM_LINE.fullmatch(text, at, last):
            self._inside = -1
            return at
        return last

    def _skip_lines(self, text: str, at: int, until: re.Pattern[str]) -> int:
        """Returns the position after a PEM block, or before the first line outside it."""
        end = until.search(text, at)
        while True:
            newline = text.find("\n", at)
            if end is not None and (newline < 0 or end.start() < newline):
                self._inside = -1
                return end.end()
            if newline < 0 and not self._over:
                return self._skip_most(text, at)
            line_end = len(text) if newline < 0 else newline
            is_first = text[at - 1] != "\n"  # the rest of the line of the BEGIN marker
            if not is_first and not PEM_LINE.fullmatch(text, at, line_end):
                self._inside = -1
                return at
            if newline < 0:
                return len(text)
            at = newline + 1
