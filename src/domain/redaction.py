"""Credentials taken out of a text, however it is split."""

import re

from modegate.domain.credentials import CREDENTIALS, FIRST_LETTERS, LONGEST_LOOK_BEHIND


def _any_of(*kinds: str) -> re.Pattern[str]:
    """Each credential in each kind before the next: who comes first decides, and is waited for."""
    alternatives = "|".join(
        f"(?P<{kind}{i}>{getattr(credential, kind)})"
        for i, credential in enumerate(CREDENTIALS)
        for kind in kinds
    )
    # Rules out nearly every place at once, which makes the search ten times faster.
    return re.compile(f"(?<![A-Za-z0-9])(?:(?<=://)|(?=[{FIRST_LETTERS}]))(?:{alternatives})")


WHOLE = _any_of("whole")
WHOLE_OR_BEGUN = _any_of("whole", "begun")
LONGEST_END = 64


def redact(text: str) -> str:
    """`text` with every credential replaced."""
    redactor = Redactor()
    return redactor.feed(text) + redactor.flush()


class Redactor:
    """Gives the pieces of a text without its credentials; together they are the redacted text.

    Held back is only what may yet turn out to be a credential.
    """

    def __init__(self) -> None:
        self._before = ""  # the last that is out, for the patterns that look behind
        self._held = ""
        self._inside = -1  # the credential that the text is in the middle of, or -1

    def feed(self, piece: str) -> str:
        """What is certain of the text so far, and not out yet."""
        return self._advance(piece, WHOLE_OR_BEGUN)

    def flush(self) -> str:
        """The text is over: what was held back."""
        return self._advance("", WHOLE)

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
            if found is None or found.lastgroup is None or found.lastgroup.startswith("begun"):
                break
            self._inside = int(found.lastgroup.removeprefix("whole"))
            out.append(CREDENTIALS[self._inside].shown)
            at = found.end()
        self._before = text[max(0, at - LONGEST_LOOK_BEHIND) : at]
        self._held = text[at:]
        return "".join(out)

    def _skip(self, text: str, at: int) -> int:
        """Where the credential ends that the text is inside of, or begins to be held back."""
        if self._inside < 0:
            return at
        credential = CREDENTIALS[self._inside]
        if credential.until is None:
            end = credential.more.match(text, at)
            at = end.end() if end else at
            if at < len(text) or not credential.more.pattern:
                self._inside = -1
            return at
        end = credential.until.search(text, at)
        if end is None:
            return max(at, len(text) - LONGEST_END)
        self._inside = -1
        return end.end()
