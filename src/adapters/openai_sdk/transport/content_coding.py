"""Undoes the content codings of an answer, without I/O.

Requests ask for none; some upstreams, or what stands before them, compress all the same.
"""

import zlib
from collections.abc import Callable, Iterable

from modegate.adapters.openai_sdk import errors

# The last three are labels that name no coding; upstreams and other clients ignore them.
NO_CODING = frozenset({"", "identity", "none", "utf-8", "utf8"})
GZIP_WBITS = 16 + zlib.MAX_WBITS
# RFC 9110 wants the zlib format for `deflate`; some servers send bare deflate data.
ZLIB_METHOD = 8
MAX_CODINGS = 3
MAX_ANSWER_BYTES = 64 * 1024 * 1024


class Inflater:
    """Decodes one gzip or deflate coding.

    Raises `UpstreamInvalidResponseError` for data that is not what its label says, and
    `OutputLimitError` for data that become too long.
    """

    def __init__(self, coding: str, new: Callable[[bytes], "zlib._Decompress"]) -> None:
        self._coding = coding
        self._new = new
        self._inner: zlib._Decompress | None = None

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that `data` completes."""
        plain = []
        while data:
            # Several members, one behind the other, are one gzip file.
            if self._inner is None or self._inner.eof:
                self._inner = self._new(data)
            try:
                plain.append(self._inner.decompress(data, MAX_ANSWER_BYTES))
            except zlib.error as error:
                raise errors.unreadable(f"not {self._coding}, as its label says") from error
            if self._inner.unconsumed_tail:
                raise errors.answer_too_long(MAX_ANSWER_BYTES)
            data = self._inner.unused_data
        return b"".join(plain)

    def finish(self) -> None:
        """Checks that nothing is missing at the end."""
        if self._inner is not None and not self._inner.eof:
            raise errors.unreadable(f"its {self._coding} data ended too early")


def _gzip(_: bytes) -> "zlib._Decompress":
    return zlib.decompressobj(GZIP_WBITS)


def _deflate(data: bytes) -> "zlib._Decompress":
    has_header = data[0] & 0x0F == ZLIB_METHOD
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


SUPPORTED = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}


class Decoder:
    """Undoes all codings of an answer, the last one first."""

    def __init__(self, codings: list[str]) -> None:
        self._steps = [Inflater(coding, SUPPORTED[coding]) for coding in reversed(codings)]

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that `data` completes; empty where there are none yet."""
        for step in self._steps:
            data = step.feed(data)
        return data

    def finish(self) -> None:
        """Checks that nothing is missing at the end."""
        for step in self._steps:
            step.finish()


def decoder_for(labels: Iterable[str]) -> Decoder | None:
    """The decoder for what `Content-Encoding` says; None where the bytes are plain.

    Raises:
        UpstreamInvalidResponseError: a coding that was not asked for and is not supported.
    """
    named = (name.strip().lower() for label in labels for name in label.split(","))
    codings = [name for name in named if name not in NO_CODING]
    if not codings:
        return None
    if len(codings) > MAX_CODINGS or any(coding not in SUPPORTED for coding in codings):
        raise errors.unreadable("a content coding that is not supported")
    return Decoder(codings)
