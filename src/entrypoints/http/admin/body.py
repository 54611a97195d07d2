"""Reads the bodies of the admin API."""

from collections.abc import Mapping

import falcon.asgi

from modegate.dialects.json import parse_json_object
from modegate.entrypoints.http.messages.request_body import read_json_body
from modegate.entrypoints.http.middleware.client_connection import connection_of

MAX_BODY_BYTES = 64 * 1024


async def fields_of(req: falcon.asgi.Request) -> Mapping[str, object]:
    """Returns the members of a JSON object.

    Raises:
        InvalidRequestError: the body is no JSON object.
        UnsupportedMediaTypeError: the body is not declared as JSON.
        PayloadTooLargeError: it exceeds `MAX_BODY_BYTES`.
    """
    client = connection_of(req)
    content = await read_json_body(req, client.headers, MAX_BODY_BYTES, client.read_body)
    return parse_json_object(content)
