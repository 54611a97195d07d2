"""Classifies an upstream's answer by its first bytes, not by its content type; sans-I/O."""

import re
from enum import StrEnum, auto

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
FIELDS = (b"data", b"event", b"id", b"retry", b"error")
FIELD = re.compile(rb"(?:data|event|id|retry|error)?[ \t]*:")
# If the content type is that of events, any field name is valid: clients ignore unknown fields.
ANY_FIELD = re.compile(rb"[A-Za-z][\w-]*:")
ANY_NAME = re.compile(rb"[A-Za-z][\w-]{0,63}")
LONGEST_FIELD = max(map(len, FIELDS)) + len(b": ")


class AnswerKind(StrEnum):
    """The kind of content received. The values appear in error messages and the log."""

    UNDECIDED = auto()
    NOTHING = "nothing"
    EVENTS = "server-sent events"
    JSON = "JSON"
    WEB_PAGE = "a web page"
    TEXT = "plain text"


def plain_start(data: bytes) -> bytes:
    """Returns the bytes without a leading byte order mark and whitespace."""
    return data.lstrip(BLANKS).removeprefix(BOM).lstrip(BLANKS)


def kind_of(data: bytes, *, says_events: bool, ended: bool) -> AnswerKind:
    """Returns the kind of an answer that starts with `data`.

    `says_events` means that the content type is that of events; `ended` that `data` is complete.
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
    if not ended and (_may_become_a_field(start) or (says_events and ANY_NAME.fullmatch(start))):
        return AnswerKind.UNDECIDED
    return AnswerKind.TEXT


def _may_become_a_field(start: bytes) -> bool:
    name = start[:LONGEST_FIELD].rstrip(b" \t")
    return len(start) <= LONGEST_FIELD and any(field.startswith(name) for field in FIELDS)
