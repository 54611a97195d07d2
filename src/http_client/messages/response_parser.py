"""Parses one answer; sans-I/O."""

import httptools

from modegate.http_client.errors import DisconnectedError, InvalidResponseError
from modegate.http_client.messages.framing import Framing, Headers, framing_of

INTERIM, FINAL = 100, 200
SWITCHING_PROTOCOLS = 101
MAX_HEADERS = 256
# Bounds the head with all interim answers before it, and between two pieces of the body the
# framing: chunk extensions and trailers.
MAX_FRAMING_BYTES = 64 * 1024
# httptools reads `Content-Length : 5` as a length, but names it `Content-Length `.
BLANKS = bytes((*range(0x21), 0x7F))
CONTROLS = BLANKS.replace(b"\t", b"").replace(b" ", b"")
# Translations that change forbidden bytes only: four times as fast as a pattern, and faster than
# deleting these bytes.
NAME_BYTES, VALUE_BYTES = (
    bytes(it ^ 0x80 if it in forbidden else it for it in range(256))
    for forbidden in (BLANKS, CONTROLS)
)


class _UnexpectedBytesError(Exception):
    """Stops the parser at bytes behind the answer."""


class ResponseParser:
    """Parses the answer to one request, and nothing behind it; `begin` prepares it for the next one.

    `status` is 0 until the head of the final answer is complete. `pieces` and `size` are what has
    arrived of the body; the reader takes it. Close the parser after use: it and the parser of
    httptools reference each other.
    """

    __slots__ = (
        *("_fields", "_framing", "_idle_bytes", "_in_interim", "_method", "_parser", "complete"),
        *(
            "headers",
            "keep_alive",
            "pieces",
            "received",
            "size",
            "status",
            "unexpected",
            "__weakref__",
        ),
    )

    def __init__(self, method: str) -> None:
        self._framing = Framing.TO_THE_END
        self._in_interim = False
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        # Lenient where servers are, and where nothing can be hidden: folded headers (whose control
        # characters are refused below), a missing CR, and blanks behind the size of a chunk.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self.begin(method)

    def begin(self, method: str) -> None:
        """Prepares for the answer to a request with `method`.

        The last answer of the same connection has to be complete, with nothing behind it.
        """
        self._method = method
        self._fields: Headers = []
        self._idle_bytes = 0
        self.status = 0
        self.headers: Headers = []
        self.pieces: list[bytes] = []
        self.size = 0
        self.received = False  # whether anything of an answer arrived
        self.complete = False
        self.keep_alive = False  # whether the upstream takes another request
        self.unexpected = False  # whether bytes arrived behind the answer

    def feed(self, data: bytes) -> None:
        """Parses the next bytes of the connection.

        Raises:
            InvalidResponseError: if the answer is malformed, or its framing exceeds a limit.
        """
        self.received = True
        if self.complete or self._parser is None:
            self.unexpected = True
            return
        size = self.size
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise _invalid(error) from error
            self.unexpected = True
        if self.size > size:
            self._idle_bytes = 0
        elif not self.complete:
            self._idle_bytes += len(data)
            if self._idle_bytes > MAX_FRAMING_BYTES:
                raise InvalidResponseError("too much framing")

    def feed_eof(self, *, cleanly: bool = True) -> None:
        """Ends the answer with the connection; `cleanly` means without an error.

        Raises:
            DisconnectedError: if nothing of an answer arrived.
            InvalidResponseError: if the answer is incomplete.
        """
        if not self.received:
            raise DisconnectedError("disconnected before the answer")
        self.keep_alive = False
        if self.complete:
            return
        if not (cleanly and self.status and self._framing is Framing.TO_THE_END):
            raise InvalidResponseError("truncated answer")
        self.complete = True

    def close(self) -> None:
        """Releases the parser of httptools."""
        self._parser = None

    def on_message_begin(self) -> None:
        """Called by httptools, also for an answer behind the first one."""
        if self.complete:
            self.unexpected = True
            raise _UnexpectedBytesError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools for each header and each trailer."""
        self._fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Called by httptools for each head, also of interim answers."""
        fields, self._fields = self._fields, []  # collects the trailers
        _check(fields)
        parser = self._parser
        if parser is None:
            return
        status = parser.get_status_code()
        if status < FINAL:
            self._skip_interim(status)
            return
        self._framing = framing_of(self._method, status, fields)
        self.status, self.headers = status, fields
        # Behind the answer to `HEAD`, httptools would skip a body that must not be there.
        self.keep_alive = parser.should_keep_alive() and self._method != "HEAD"
        if self._framing is Framing.BODILESS:
            self.complete = True  # httptools does not know of which request this is the answer

    def on_body(self, data: bytes) -> None:
        """Called by httptools for each part of the body."""
        if self.complete:
            self.unexpected = True
            raise _UnexpectedBytesError
        self.pieces.append(data)
        self.size += len(data)

    def on_message_complete(self) -> None:
        """Called by httptools at the end of the answer, and of each interim answer."""
        if self._in_interim:
            self._in_interim = False
        else:
            self.complete = True

    def _skip_interim(self, status: int) -> None:
        if status < INTERIM:
            raise InvalidResponseError("invalid status")
        if status == SWITCHING_PROTOCOLS:
            raise InvalidResponseError("switch of protocols")
        self._in_interim = True


def _check(fields: Headers) -> None:
    """Refuses a head that exceeds a limit, or that other parsers may read differently."""
    if len(fields) > MAX_HEADERS:
        raise InvalidResponseError("too many headers")
    names = b"".join([name for name, _ in fields])
    values = b"".join([value for _, value in fields])
    if len(names) + len(values) > MAX_FRAMING_BYTES:
        raise InvalidResponseError("headers too long")
    if names.translate(NAME_BYTES) != names or values.translate(VALUE_BYTES) != values:
        raise InvalidResponseError("invalid character in a header")


def _invalid(error: Exception) -> InvalidResponseError:
    if isinstance(error, httptools.HttpParserUpgrade):
        return InvalidResponseError("switch of protocols")
    if isinstance(error.__context__, InvalidResponseError):  # raised by one of the methods above
        return error.__context__
    return InvalidResponseError(str(error))
