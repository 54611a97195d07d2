"""Patterns of secrets, which also match an incomplete secret at the end of a text."""

import re
from dataclasses import field

from modegate.lazy_dataclass import dataclass

REDACTED = "[REDACTED]"
LONGEST_LOOK_BEHIND = 5
AUTHORITY = r"(?:(?<=://)|(?<=:\\/\\/))"
# A secret that follows a letter or digit is part of a word, unless that character ends an
# escape sequence: of a string, a URL or a terminal colour.
NOT_IN_WORD = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of `least` to `most` characters of a set; `most=None` means unbounded."""

    characters: str
    least: int = 1
    most: int | None = 1

    @property
    def complete(self) -> str:
        """The pattern of a complete run."""
        return f"{self.characters}{{{self.least},{'' if self.most is None else self.most}}}"

    @property
    def prefix(self) -> str:
        """The pattern of a run that is cut short by the end of the text."""
        return rf"{self.characters}{{0,{max(self.least - 1, 0)}}}\Z"


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """A sequence of segments that starts at a word boundary or after the look-behind `before`.

    Further characters of the last segment belong to the secret. With `until`, the lines of a
    PEM block up to that pattern belong to it instead. `shown` replaces it in the text.
    """

    segments: tuple[Segment, ...]
    before: str = ""
    until: re.Pattern[str] | None = None
    shown: str = REDACTED
    more: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        last = self.segments[-1]
        object.__setattr__(self, "more", re.compile(f"{last.characters}*" if not last.most else ""))

    @property
    def complete(self) -> str:
        """The pattern of the shortest complete secret."""
        return self.before + "".join(atom.complete for atom in self.segments)

    @property
    def prefix(self) -> str:
        """The pattern of an incomplete secret at the end of a text."""
        rest = ""
        for atom, follower in reversed(list(zip(self.segments, self.segments[1:], strict=False))):
            rest = f"{atom.complete}(?:{follower.prefix}{'|' + rest if rest else ''})"
        return self.before + rest


def _letters(text: str) -> tuple[Segment, ...]:
    """Returns segments that match `text`, with letters in either case."""
    return tuple(
        Segment(f"[{letter}{letter.swapcase()}]" if letter.isalpha() else re.escape(letter))
        for letter in text
    )


def _exactly(text: str) -> tuple[Segment, ...]:
    return tuple(Segment(re.escape(letter)) for letter in text)


def _token(prefix: tuple[Segment, ...], characters: str, least: int) -> SecretPattern:
    return SecretPattern((*prefix, Segment(characters, least, None)))


def _with_digit(prefix: tuple[Segment, ...], punctuation: str) -> SecretPattern:
    """Returns a secret with an early digit and 10 characters after it, unlike any word."""
    return SecretPattern(
        (
            *prefix,
            Segment(f"[A-Za-z{punctuation}]", 0, 15),
            Segment("[0-9]"),
            Segment(f"[A-Za-z0-9{punctuation}]", 10, None),
        )
    )


def _secret(prefix: tuple[Segment, ...], punctuation: str) -> tuple[SecretPattern, SecretPattern]:
    """Returns the two forms of a secret whose prefix also occurs in words.

    One has an early digit; the other is a longer run of alphanumerics than words have.
    """
    letters = _token(prefix, "[A-Za-z0-9]", 24)
    return _with_digit(prefix, punctuation), letters


BLANKS = Segment(r"[ \t]", 1, 4)
ASSIGNMENT = Segment(r"""["'`*|\s:=]""", 1, 16)
PEM_LABEL = Segment("[A-Z0-9 ]", 1, 40)
PEM_END = re.compile("-----END [A-Z0-9 ]{1,40}-----")
# Line ends, raw or escaped as in a string literal, indentation and quotes.
PEM_MARGIN = Segment(r"""[\s\\rn"'`>#|*+,]""", 1, 60)
PEM_BEGIN = (*_exactly("-----BEGIN "), PEM_LABEL, *_exactly("-----"), PEM_MARGIN)
PEM_LINE = re.compile(r"""[\s"'`>#|*+,]*(?:[A-Za-z-]+: [^\n]*|[A-Za-z0-9+/=.\\]*)[\s"'`|+,;]*""")
URL_USER = Segment("[A-Za-z0-9._~%!$&*+=-]", 0, 256)
URL_PASSWORD = Segment(r"""[^\s/?#@"'`<>()\\|\u0080-\U0010ffff]""", 1, 256)

SECRET_PATTERNS: tuple[SecretPattern, ...] = (
    SecretPattern(
        (URL_USER, *_exactly(":"), URL_PASSWORD, *_exactly("@")),
        before=AUTHORITY,
        shown=f"{REDACTED}@",
    ),
    SecretPattern((*PEM_BEGIN, Segment("[A-Za-z0-9+/=]", 16, None)), until=PEM_END),
    *(
        SecretPattern((*PEM_BEGIN, *_exactly(header)), until=PEM_END)
        for header in ("Proc-Type", "Version", "Comment")
    ),
    *(_token(_exactly(prefix), "[A-Za-z0-9_-]", 8) for prefix in ("sk-ant-", "sk-proj-")),
    *_secret(_exactly("sk-"), "_-"),
    *_secret((*_letters("bearer"), BLANKS), "._~+/=-"),
    *(_token(_exactly(prefix), "[A-Z0-9]", 16) for prefix in ("AKIA", "ASIA")),
    *(
        _token((*_letters(name), ASSIGNMENT), "[A-Za-z0-9/+=]", 40)
        for name in (
            "aws_secret_access_key",
            "awssecretaccesskey",
            "secret_access_key",
            "secretaccesskey",
            "aws_session_token",
            "session_token",
        )
    ),
    _token((*_exactly("gh"), Segment("[pousr]"), *_exactly("_")), "[A-Za-z0-9]", 20),
    _token(_exactly("github_pat_"), "[A-Za-z0-9_]", 20),
    _token(_exactly("AIza"), "[A-Za-z0-9_-]", 30),
    _token(_exactly("ya29."), "[A-Za-z0-9_-]", 20),
    _token(_exactly("1//0"), "[A-Za-z0-9_-]", 20),
    _token(_exactly("GOCSPX-"), "[A-Za-z0-9_-]", 20),
    _with_digit((*_exactly("xox"), Segment("[abcdeoprs]"), *_exactly("-")), "%-"),
    _with_digit(_exactly("xapp-"), "-"),
    _token(_exactly("hooks.slack.com/services/"), "[A-Za-z0-9/]", 20),
)

FIRST_LETTERS = "".join(
    sorted({it.segments[0].characters.strip("[]") for it in SECRET_PATTERNS if not it.before})
)
