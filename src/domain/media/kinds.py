"""The kinds of images and files, recognised by their first bytes."""

from enum import StrEnum

# A PDF may have other bytes before its header, at most so many.
PDF_OFFSET = 1024
BOM = "\ufeff"


class MediaType(StrEnum):
    """The media types that a model can read."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    PDF = "application/pdf"
    TEXT = "text/plain"


def image_type(data: bytes) -> MediaType | None:
    """Returns the type of an image; None if the bytes are none of a known kind."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return MediaType.GIF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return MediaType.WEBP
    return None


def is_pdf(data: bytes) -> bool:
    """Returns whether the bytes are those of a PDF."""
    return b"%PDF-" in data[:PDF_OFFSET]


def text_of(data: bytes) -> str | None:
    """Returns the text of a file in UTF-8, without a byte order mark; None if it is no text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text.removeprefix(BOM)
