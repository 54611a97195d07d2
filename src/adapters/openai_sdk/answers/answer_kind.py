"""What an upstream's answer is, by its first bytes and not by its label; without I/O."""

import re
from enum import StrEnum, auto

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
FIELDS = (b"data", b"event", b"id", b"retry", b"error")
FIELD = re.compile(rb"(?:data|event|id|retry|error)?[ \t]*:")
# Where the label says events, a field may have any name: the format has clients ignore others.
ANY_FIELD = re.compile(rb"[A-Za-z][\w-]*:")
LONGEST_FIELD = max(map(len, FIELDS)) + len(b": ")


class AnswerKind(StrEnum):
    """What came; the values are for messages and the log."""

    UNDECIDED = auto()
    NOTHING = "nothing"
    EVENTS = "server-sent events"
    JSON = "JSON"
    WEB_PAGE = "a web page"
    TEXT = "plain text"


def plain_start(data: bytes) -> bytes:
    """The bytes without the byte order mark and the blanks that some put first."""
    return data.lstrip(BLANKS).removeprefix(BOM).lstrip(BLANKS)


def kind_of(data: bytes, *, says_events: bool, ended: bool) -> AnswerKind:
    """The kind of an answer that begins with `data`.

    `says_events` is what the label says, `ended` that nothing follows.
    """
    start = plain_start(data)
    if not start or (BOM.startswith(start) and not ended):
        return AnswerKind.NOTHING if ended else AnswerKind.UNDECIDED
    if start[:1] in b"{[":
        return AnswerKind.JSON
    if FIELD.match(start) or (says_events and ANY_FIELD.match(start)):
        return AnswerKind.EVENTS
    if start[:1] == b"<":
        return AnswerKind.WEB_PAGE
    if not ended and _may_become_a_field(start):
        return AnswerKind.UNDECIDED
    return AnswerKind.TEXT


def _may_become_a_field(start: bytes) -> bool:
    name = start[:LONGEST_FIELD].rstrip(b" \t")
    return len(start) <= LONGEST_FIELD and any(field.startswith(name) for field in FIELDS)
