"""Decodes the content codings of an answer; sans-I/O.

Requests ask for no coding, but some upstreams or their proxies compress anyway.
"""

import zlib
from collections.abc import Callable, Iterable

from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import MAX_ANSWER_BYTES

# The last three are not content codings; other clients ignore them, too.
NO_CODING = frozenset({"", "identity", "none", "utf-8", "utf8"})
GZIP_WBITS = 16 + zlib.MAX_WBITS
# RFC 9110 requires the zlib format for `deflate`; some servers send raw deflate data.
ZLIB_METHOD = 8
MAX_CODINGS = 3


class Inflater:
    """Decodes one gzip or deflate coding.

    Raises `UpstreamInvalidResponseError` for data that is not in the named coding, and
    `OutputLimitError` for decoded data that exceeds `MAX_ANSWER_BYTES`.
    """

    def __init__(self, coding: str, new: Callable[[bytes], "zlib._Decompress"]) -> None:
        self._coding = coding
        self._new = new
        self._inner: zlib._Decompress | None = None

    def feed(self, data: bytes) -> bytes:
        """Returns the decoded bytes of `data`."""
        plain, room = [], MAX_ANSWER_BYTES
        while data:
            # A gzip file may have several members in sequence.
            if self._inner is None or self._inner.eof:
                self._inner = self._new(data)
            try:
                plain.append(self._inner.decompress(data, room + 1))  # 0 would mean no bound
            except zlib.error as error:
                raise errors.unreadable(f"invalid {self._coding} data") from error
            room -= len(plain[-1])
            if room < 0 or self._inner.unconsumed_tail:
                raise errors.answer_too_long(MAX_ANSWER_BYTES)
            data = self._inner.unused_data
        return b"".join(plain)

    def finish(self) -> None:
        """Checks that nothing is missing at the end."""
        if self._inner is not None and not self._inner.eof:
            raise errors.unreadable(f"truncated {self._coding} data")


def _gzip(_: bytes) -> "zlib._Decompress":
    return zlib.decompressobj(GZIP_WBITS)


def _deflate(data: bytes) -> "zlib._Decompress":
    has_header = data[0] & 0x0F == ZLIB_METHOD
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


SUPPORTED = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}


class Decoder:
    """Decodes all codings of an answer, the last one first."""

    def __init__(self, codings: list[str]) -> None:
        self._steps = [Inflater(coding, SUPPORTED[coding]) for coding in reversed(codings)]

    def feed(self, data: bytes) -> bytes:
        """Returns the decoded bytes of `data`; empty if there are none yet."""
        for step in self._steps:
            data = step.feed(data)
        return data

    def finish(self) -> None:
        """Checks that nothing is missing at the end."""
        for step in self._steps:
            step.finish()


def decoder_for(labels: Iterable[str]) -> Decoder | None:
    """Returns the decoder for the values of `Content-Encoding`, or None for uncoded bytes.

    Raises:
        UpstreamInvalidResponseError: if a coding is not supported.
    """
    named = (name.strip().lower() for label in labels for name in label.split(","))
    codings = [name for name in named if name not in NO_CODING]
    if not codings:
        return None
    if len(codings) > MAX_CODINGS or any(coding not in SUPPORTED for coding in codings):
        raise errors.unreadable("unsupported content coding")
    return Decoder(codings)
