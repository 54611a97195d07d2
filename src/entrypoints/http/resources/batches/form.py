"""Reads the form of an upload while it arrives."""

from collections.abc import AsyncIterator
from dataclasses import field

import falcon
import falcon.asgi
import falcon.asgi.multipart

from modegate.domain.batches.file import Purpose
from modegate.domain.errors.catalogue import batches as errors
from modegate.entrypoints.http.messages.request_body import too_large
from modegate.lazy_dataclass import dataclass

MULTIPART = "multipart/form-data"
PIECE_BYTES = 256 * 1024
LONGEST_FIELD = 1024
LONGEST_NAME = 255
ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"
FIELDS = frozenset({"purpose", ANCHOR, SECONDS})


@dataclass(slots=True)
class UploadForm:
    """The form of an upload; `fields` are those that have arrived so far."""

    parts: AsyncIterator[falcon.asgi.multipart.BodyPart]
    limit: int
    fields: dict[str, str] = field(default_factory=dict)
    _file: falcon.asgi.multipart.BodyPart | None = None
    _has_content: bool = False

    async def find_file(self) -> str:
        """Reads the form up to its file, and returns the file's name.

        Raises:
            MissingParameterError: the form has no file.
            InvalidRequestError: the form is incomplete, or the purpose is another one.
        """
        self._file = await self._next_file()
        if self._file is None:
            raise errors.missing("file", "the requests of a batch, one in a line")
        if "purpose" in self.fields:
            self._check_purpose()
        name = (_name_of(self._file) or "file").replace("\\", "/").rpartition("/")[2]
        return name[:LONGEST_NAME]

    async def content(self) -> AsyncIterator[bytes]:
        """Yields the content of the file, and then checks the rest of the form.

        Raises:
            PayloadTooLargeError: the file has more than `limit` bytes.
            MissingParameterError: the form has no purpose.
            InvalidRequestError: the form is incomplete, or a field has a wrong value.
        """
        assert self._file is not None  # noqa: S101 - found before
        size, known = 0, set(self.fields)
        while piece := await self._read(self._file):
            size += len(piece)
            if size > self.limit:
                raise too_large(self.limit)
            yield piece
        if await self._next_file() is not None:
            raise errors.wrong("file", "a single file")
        self._check_purpose()
        if {ANCHOR, SECONDS} & (set(self.fields) - known):
            raise errors.late_expiry()

    async def _next_file(self) -> falcon.asgi.multipart.BodyPart | None:
        """Reads fields up to the next file; None at the end of the form."""
        try:
            async for part in self.parts:
                if part.name == "file":
                    return part
                if part.name in FIELDS:
                    text = await part.stream.read(LONGEST_FIELD)
                    self.fields[part.name] = text.decode("utf-8", "replace").strip()
        except (falcon.MediaMalformedError, UnicodeDecodeError):
            raise errors.no_form() from None
        return None

    async def _read(self, part: falcon.asgi.multipart.BodyPart) -> bytes:
        try:
            return bytes(await part.stream.read(PIECE_BYTES))
        except falcon.MediaMalformedError:
            raise errors.no_form() from None

    def _check_purpose(self) -> None:
        if "purpose" not in self.fields:
            raise errors.missing("purpose", Purpose.BATCH)
        if self.fields["purpose"] != Purpose.BATCH:
            raise errors.wrong_purpose()


def _name_of(file: falcon.asgi.multipart.BodyPart) -> str | None:
    try:
        return file.filename
    except falcon.MediaMalformedError:  # of `filename*`
        raise errors.no_form() from None


async def open_form(req: falcon.asgi.Request, limit: int) -> UploadForm:
    """Returns the form in the body of a request.

    Raises:
        InvalidRequestError: the body is no form.
        PayloadTooLargeError: the declared length exceeds `limit` bytes.
    """
    if req.content_length is not None and req.content_length > limit:
        raise too_large(limit)
    if not (req.content_type or "").lower().startswith(MULTIPART):
        raise errors.no_form()
    try:
        form = await req.get_media()
    except (falcon.HTTPError, ValueError):
        raise errors.no_form() from None
    return UploadForm(aiter(form), limit)
