"""A request's body, read no further than its bound."""

import falcon.asgi

from modegate.domain.errors import PayloadTooLargeError, UnsupportedMediaTypeError

MIB = 1024 * 1024


async def read_json_body(req: falcon.asgi.Request, limit: int) -> bytes:
    """The body's bytes.

    Raises:
        UnsupportedMediaTypeError: it is not declared as JSON.
        PayloadTooLargeError: it is longer than `limit` bytes, whatever its declared length.
    """
    media_type = (req.content_type or "").partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        raise UnsupportedMediaTypeError("Send the body as Content-Type: application/json.")
    if (req.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in req.stream:
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> PayloadTooLargeError:
    size = f"{limit // MIB} MB" if limit % MIB == 0 else f"{limit} bytes"
    return PayloadTooLargeError(f"The body is larger than {size}: send less.")
