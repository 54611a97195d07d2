"""Reads the body of a request, with a size limit."""

import re
from collections.abc import Awaitable, Callable, Container
from functools import lru_cache

import falcon
import falcon.asgi

from modegate.domain.errors import PayloadTooLargeError, UnsupportedMediaTypeError
from modegate.domain.media.base64_runs import length_without_media

MIB = 1024 * 1024
CODING = b"content-encoding"
IDENTITY = "identity"
CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)")
UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})


async def read_json_body(
    req: falcon.asgi.Request,
    sent: Container[bytes],
    limit: int,
    read: Callable[[int], Awaitable[bytes]],
    *,
    media: int = 0,
) -> bytes:
    """Returns the body's bytes; `read` returns a body of the given length.

    `sent` are the names of the request's headers. Images and files in base64 do not count towards
    `limit`; with them, the body has at most `media` bytes more.

    Raises:
        UnsupportedMediaTypeError: the body is compressed, or not declared as JSON in UTF-8.
        PayloadTooLargeError: the declared or received length exceeds the limits.
    """
    if not is_json(req.content_type or ""):
        raise not_json()
    if CODING in sent:
        check_identity(req)
    content = await _read(req, limit + media, read)
    if len(content) > limit and length_without_media(content) > limit:
        raise too_large(limit, "The body without images and files")
    return content


async def _read(
    req: falcon.asgi.Request, limit: int, read: Callable[[int], Awaitable[bytes]]
) -> bytes:
    declared = req.content_length
    if declared is not None:
        if declared > limit:
            raise too_large(limit)
        return await read(declared)
    body = bytearray()
    async for chunk in req.stream:
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def check_identity(req: falcon.asgi.Request) -> None:
    """Checks that the body has no content coding.

    Raises:
        UnsupportedMediaTypeError: the body is compressed.
    """
    if (req.get_header("Content-Encoding") or IDENTITY).lower() != IDENTITY:
        raise UnsupportedMediaTypeError("Send the body uncompressed, without Content-Encoding.")


def not_json() -> UnsupportedMediaTypeError:
    """Returns the error for an unsupported content type."""
    return UnsupportedMediaTypeError("Send the body as Content-Type: application/json, in UTF-8.")


def too_large(limit: int, what: str = "The body") -> PayloadTooLargeError:
    """Returns the error for a body, or what is counted of it, of more than `limit` bytes."""
    size = f"{limit // MIB} MB" if limit % MIB == 0 else f"{limit} bytes"
    return PayloadTooLargeError(f"{what} is larger than {size}: send less.")


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Returns whether a content type is that of JSON in UTF-8."""
    media_type, _, parameters = content_type.lower().partition(";")
    charset = CHARSET.search(parameters)
    return media_type.strip() == falcon.MEDIA_JSON and (not charset or charset[1] in UTF_8)
