"""Finds the field `model` in the first bytes of a form; pure."""

import re
from urllib.parse import quote_plus, unquote_plus

from modegate.lazy_dataclass import dataclass

MULTIPART = "multipart/form-data"
URL_ENCODED = "application/x-www-form-urlencoded"
BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
NAME = re.compile(rb'[;\s]name="?model"?\s*(?:;|\r|\Z)', re.IGNORECASE)
IN_URL = re.compile(rb"(?:\A|&)model=([^&]*)")
LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class FormField:
    """A field's text, and where its bytes begin and end in the body."""

    value: str
    start: int
    end: int
    is_url_encoded: bool = False

    def encode(self, value: str) -> bytes:
        """Returns the bytes of another value for the field."""
        return quote_plus(value).encode() if self.is_url_encoded else value.encode()


def find_model(content_type: str, begun: bytes, *, ended: bool) -> FormField | None:
    """Returns the field `model` of a form that begins with `begun`; None if it is not in it.

    `ended` means that `begun` is the whole body.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == URL_ENCODED:
        return _in_url_encoded(begun, ended=ended)
    boundary = BOUNDARY.search(content_type)
    if media_type != MULTIPART or boundary is None:
        return None
    return _in_multipart(begun, b"--" + (boundary[1] or boundary[2]).encode("latin-1", "replace"))


def _in_multipart(begun: bytes, delimiter: bytes) -> FormField | None:
    at = begun.find(delimiter)
    while at >= 0:
        head_start = at + len(delimiter)
        head_end = begun.find(HEAD_END, head_start)
        if head_end < 0:
            return None
        start = head_end + len(HEAD_END)
        at = end = begun.find(b"\r\n" + delimiter, start)
        if _is_model(begun[head_start:head_end]) and end >= 0:
            return _field(begun, start, end)
        at += len(b"\r\n") if at >= 0 else 0
    return None


def _is_model(head: bytes) -> bool:
    """Returns whether the head of a part names the field; a file of that name is not it."""
    return NAME.search(head) is not None and b"filename" not in head.lower()


def _field(begun: bytes, start: int, end: int) -> FormField | None:
    if end - start > LONGEST_NAME:
        return None
    return FormField(begun[start:end].decode("utf-8", "replace"), start, end)


def _in_url_encoded(begun: bytes, *, ended: bool) -> FormField | None:
    found = IN_URL.search(begun)
    if found is None or (found.end() == len(begun) and not ended):
        return None
    value = unquote_plus(found[1].decode("latin-1"))
    return FormField(value, found.start(1), found.end(1), is_url_encoded=True)
