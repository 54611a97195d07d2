"""The width and height of images, read from their headers; nothing is decoded.

Sources: PNG (W3C), section 11.2.1; GIF89a, section 18; ITU T.81, annex B; RFC 9649 (WebP).
"""

from collections.abc import Callable
from struct import Struct, error

from modegate.domain.media.kinds import MediaType

# The frame headers of JPEG: SOF0 to SOF15, without DHT, JPG and DAC.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JPEG markers without a segment: TEM, RST0 to RST7, SOI.
BARE = frozenset({0x01, *range(0xD0, 0xD9)})
FILL, SCAN, END = 0xFF, 0xDA, 0xD9  # fill bytes may come before a marker
MAX_SEGMENTS = 10_000
IHDR = Struct(">8x4x4sII")
SCREEN = Struct("<6xHH")
MARKER, LENGTH, FRAME = Struct(">BB"), Struct(">2xH"), Struct(">5xHH")
CHUNK = Struct("<12x4s")
EXTENDED = Struct("<24xHBHB")
LOSSLESS = Struct("<20xBI")
LOSSY = Struct("<23x3sHH")
LOSSLESS_SIGNATURE, LOSSY_SIGNATURE = 0x2F, b"\x9d\x01\x2a"
FOURTEEN_BITS = 0x3FFF
Size = tuple[int, int]


def size_of(kind: MediaType, data: bytes) -> Size | None:
    """Returns width and height in pixels; None if the header is cut or has none."""
    readers: dict[MediaType, Callable[[bytes], tuple[int, ...]]] = {
        MediaType.PNG: _png,
        MediaType.JPEG: _jpeg,
        MediaType.GIF: SCREEN.unpack_from,
        MediaType.WEBP: _webp,
    }
    try:
        width, height = readers[kind](data)
    except error:
        return None
    return (width, height) if width and height else None


def _png(data: bytes) -> tuple[int, ...]:
    name, width, height = IHDR.unpack_from(data)
    return (width, height) if name == b"IHDR" else (0, 0)


def _jpeg(data: bytes) -> tuple[int, ...]:
    at = 2
    for _ in range(MAX_SEGMENTS):
        lead, marker = MARKER.unpack_from(data, at)
        if lead != FILL or marker in {SCAN, END}:
            break
        if marker in FRAMES:
            height, width = FRAME.unpack_from(data, at)
            return width, height
        if marker == FILL:
            at += 1
        elif marker in BARE:
            at += 2
        else:
            (length,) = LENGTH.unpack_from(data, at)
            at += 2 + max(2, length)
    return 0, 0


def _webp(data: bytes) -> tuple[int, ...]:
    (kind,) = CHUNK.unpack_from(data)
    if kind == b"VP8X":
        width, wide, height, high = EXTENDED.unpack_from(data)
        return 1 + width + (wide << 16), 1 + height + (high << 16)
    if kind == b"VP8L":
        signature, bits = LOSSLESS.unpack_from(data)
        if signature == LOSSLESS_SIGNATURE:
            return 1 + (bits & FOURTEEN_BITS), 1 + (bits >> 14 & FOURTEEN_BITS)
    if kind == b"VP8 ":
        signature, width, height = LOSSY.unpack_from(data)
        if signature == LOSSY_SIGNATURE:
            return width & FOURTEEN_BITS, height & FOURTEEN_BITS
    return 0, 0
