"""OpenAI's Batch format: a request a line, and a result a line; pure.

The field `mode` of a request is modegate's own.
"""

import random
import re
import uuid
from collections.abc import Mapping

import orjson

from modegate.dialects.json import encode, escape_line_separators, parse_json_object
from modegate.domain.batches.endpoints import ENDPOINTS
from modegate.domain.batches.item import BatchItem, ItemResult
from modegate.domain.errors import InvalidRequestError
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.mode import Mode

MAX_ID_CHARACTERS = 512
MODES = {str(mode): mode for mode in Mode}
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# In valid JSON a line break is always between two tokens.
LINE_BREAK = re.compile(rb"[\r\n]\s*")
# Not encoded from an object, so that the body of an upstream is not parsed and encoded again.
RESULT = (
    b'{"id":"batch_req_%b","custom_id":%b,"response":'
    b'{"status_code":%d,"request_id":%b,"body":%b},"error":null}\n'
)


class InvalidLineError(ValueError):
    """A line that is no request; `line` is its number, from 1. `str` has all of it.

    `code` and `param` are as in the errors of OpenAI's batches. The message never quotes the line.
    """

    def __init__(self, line: int, code: str, problem: str, param: str | None = None) -> None:
        super().__init__(f"Line {line}: {problem}")
        self.line = line
        self.code = code
        self.problem = problem
        self.param = param


def parse_item(text: bytes, line: int) -> BatchItem:
    """Returns the request in a line; `line` is its number, from 1, for errors.

    Raises:
        InvalidLineError: if the line is no valid request, or asks for a stream.
    """
    try:
        given = parse_json_object(text)
    except InvalidRequestError:
        raise InvalidLineError(
            line,
            "invalid_json_line",
            "It is not a JSON object in UTF-8: write each request as one object on one line.",
        ) from None
    try:
        return item_of(given)
    except _FaultError as fault:
        raise InvalidLineError(line, fault.code, fault.problem, fault.param) from None


def item_of(given: Mapping[str, object]) -> BatchItem:
    """Returns the request in an object of a line.

    Raises:
        ValueError: if it is no valid request; `str` says why.
    """
    _check_method(given)
    return BatchItem(
        custom_id=_custom_id(given), url=_url(given), body=_body(given), mode=_mode(given)
    )


def duplicate_id(line: int) -> InvalidLineError:
    """Returns the error for a line with the `custom_id` of an earlier line."""
    problem = "An earlier line has the same custom_id: give each request its own."
    return InvalidLineError(line, "duplicate_custom_id", problem, "custom_id")


def render_result(result: ItemResult) -> bytes:
    """Returns the line of a result, with its line break."""
    return RESULT % (
        b"%032x" % random.getrandbits(128),
        _encode(result.custom_id),
        result.status,
        _encode(result.request_id),
        _on_one_line(result.body),
    )


def render_failure(custom_id: str, code: str, message: str) -> bytes:
    """Returns the line of a request that has no response, such as one of an expired batch."""
    line = {
        "id": f"batch_req_{uuid.uuid4().hex}",
        "custom_id": custom_id,
        "response": None,
        "error": {"code": code, "message": message},
    }
    return encode(line) + b"\n"


class _FaultError(ValueError):
    def __init__(self, code: str, problem: str, param: str) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.param = param


def _custom_id(given: Mapping[str, object]) -> str:
    custom_id = _required(given, "custom_id")
    # A result cannot name an id that UTF-8 does not have.
    if (
        not isinstance(custom_id, str)
        or not 1 <= len(custom_id) <= MAX_ID_CHARACTERS
        or LONE_SURROGATE.search(custom_id)
    ):
        raise _FaultError(
            "invalid_custom_id",
            f"custom_id must be a string of 1 to {MAX_ID_CHARACTERS} Unicode characters.",
            "custom_id",
        )
    return custom_id


def _check_method(given: Mapping[str, object]) -> None:
    if _required(given, "method") != "POST":
        raise _FaultError("invalid_method", 'method must be "POST".', "method")


def _url(given: Mapping[str, object]) -> str:
    url = _required(given, "url")
    if not isinstance(url, str) or url not in ENDPOINTS:
        known = ", ".join(ENDPOINTS)
        raise _FaultError("invalid_url", f"url must be one of {known}.", "url")
    return url


def _body(given: Mapping[str, object]) -> ChatBody:
    body = _required(given, "body")
    if not isinstance(body, dict):
        raise _FaultError("invalid_body", "body must be an object, {…}.", "body")
    if body.get("stream"):
        problem = "body asks for a stream, which a batch does not have: remove stream."
        raise _FaultError("stream_unsupported", problem, "body.stream")
    return ChatBody(_encode(body), body)


def _mode(given: Mapping[str, object]) -> Mode | None:
    mode = given.get("mode")
    if mode is None:
        return None
    if not isinstance(mode, str) or mode not in MODES:
        raise _FaultError("invalid_mode", f"mode must be one of {', '.join(MODES)}.", "mode")
    return MODES[mode]


def _required(given: Mapping[str, object], name: str) -> object:
    if given.get(name) is None:
        raise _FaultError("missing_required_parameter", f"{name} is missing: add it.", name)
    return given[name]


def _encode(value: object) -> bytes:
    """Returns JSON on one line; by orjson, unless a lone surrogate or a huge number is in it."""
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        return encode(value)
    return encoded if encoded.isascii() else escape_line_separators(encoded.decode()).encode()


def _on_one_line(body: bytes) -> bytes:
    """Returns JSON unchanged but for line breaks, and anything else as a JSON string."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return encode(body.decode(errors="replace"))
    if b"\n" in body or b"\r" in body:
        body = LINE_BREAK.sub(b"", body)
    return body if body.isascii() else escape_line_separators(body.decode()).encode()
