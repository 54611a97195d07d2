"""Small images of every kind, and files."""

import base64
import random
import zlib


def png(width: int = 3, height: int = 2, *, noise: bool = False) -> bytes:
    """Returns a PNG of RGB pixels; with `noise` it cannot be compressed."""
    size = height * (1 + 3 * width)
    pixels = bytearray(random.Random(7).randbytes(size) if noise else bytes(size))  # noqa: S311
    pixels[:: 1 + 3 * width] = bytes(height)  # the filter of each row
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(bytes(pixels), 1)),
            _chunk(b"IEND", b""),
        )
    )


def with_png_size(width: int, height: int) -> bytes:
    """Returns a small PNG that claims another size."""
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    rest = png()[29 + 4 :]
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", sides + b"\x08\x02\x00\x00\x00") + rest


def _chunk(kind: bytes, data: bytes) -> bytes:
    total = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + total


PNG = png()
# One pixel each.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP///////////////////////////////////////////////////////////"
    "///////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
WEBP_LOSSLESS = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
IMAGES = {"image/png": PNG, "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP}


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def image(data: bytes, media_type: str = "image/png", **more: str) -> dict[str, object]:
    """Returns the part of an image."""
    return {"type": "image_url", "image_url": {"url": data_url(data, media_type), **more}}


def file(data: bytes, name: str = "", media_type: str = "application/pdf") -> dict[str, object]:
    """Returns the part of a file."""
    value = {"file_data": data_url(data, media_type), "filename": name}
    return {"type": "file", "file": value}


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}
