"""Reads the query and the body of requests about files and batches."""

from collections.abc import Mapping, Sequence

import falcon.asgi

from modegate.application.batches.manage_batches import BatchRequest
from modegate.domain.batches.batch import COMPLETION_WINDOW
from modegate.domain.batches.endpoints import ENDPOINTS
from modegate.domain.errors.catalogue import batches as errors

MAX_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
SHORTEST_LIFE_S, LONGEST_LIFE_S = 3600, 30 * 86_400
LIFE = f'{{"anchor": "created_at", "seconds": {SHORTEST_LIFE_S} to {LONGEST_LIFE_S}}}'
ANCHOR = "created_at"


def parameters_of(req: falcon.asgi.Request, known: Sequence[str]) -> Mapping[str, str]:
    """Returns the query parameters.

    Raises:
        InvalidRequestError: one is unknown, or given several times.
    """
    given: dict[str, str] = {}
    for name, value in req.params.items():
        if name not in known:
            raise errors.unknown_parameter(name, known)
        if not isinstance(value, str):
            raise errors.wrong(name, "given once")
        given[name] = value
    return given


def limit_of(given: Mapping[str, str], default: int, most: int) -> int:
    """Returns the number of objects on a page.

    Raises:
        InvalidRequestError: it is no number, or out of bounds.
    """
    text = given.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise errors.wrong("limit", f"a whole number of 1 to {most}")
    if not 1 <= int(text) <= most:
        raise errors.wrong("limit", f"a whole number of 1 to {most}")
    return int(text)


def batch_request_of(body: Mapping[str, object]) -> BatchRequest:
    """Returns what a client asks for; unknown fields are ignored.

    Raises:
        InvalidRequestError: a field has a wrong value.
        MissingParameterError: a field is missing.
    """
    file_id = _text(body, "input_file_id", "the id of an uploaded file")
    endpoint = _text(body, "endpoint", "the path of an endpoint")
    if endpoint not in ENDPOINTS:
        raise errors.wrong("endpoint", f"one of {', '.join(ENDPOINTS)}")
    if _text(body, "completion_window", COMPLETION_WINDOW) != COMPLETION_WINDOW:
        raise errors.wrong("completion_window", COMPLETION_WINDOW)
    return BatchRequest(
        input_file_id=file_id,
        endpoint=endpoint,
        metadata=_metadata(body.get("metadata")),
        output_expires_after_s=_life_s(body.get("output_expires_after")),
    )


def life_s(anchor: str | None, seconds: str | None) -> float | None:
    """Returns the life of a file from the fields of a form; None without them.

    Raises:
        InvalidRequestError: they have wrong values.
    """
    if anchor is None and seconds is None:
        return None
    number = int(seconds) if seconds and seconds.isascii() and seconds.isdigit() else None
    if anchor != ANCHOR or number is None or not SHORTEST_LIFE_S <= number <= LONGEST_LIFE_S:
        raise errors.wrong("expires_after", LIFE)
    return float(number)


def _life_s(value: object) -> float | None:
    if value is None:
        return None
    seconds = value.get("seconds") if isinstance(value, dict) else None
    anchor = value.get("anchor") if isinstance(value, dict) else None
    if (
        anchor != ANCHOR
        or isinstance(seconds, bool)
        or not isinstance(seconds, int)
        or not SHORTEST_LIFE_S <= seconds <= LONGEST_LIFE_S
    ):
        raise errors.wrong("output_expires_after", LIFE)
    return float(seconds)


def _text(body: Mapping[str, object], name: str, needed: str) -> str:
    value = body.get(name)
    if value is None:
        raise errors.missing(name, needed)
    if not isinstance(value, str):
        raise errors.wrong(name, needed)
    return value


def _metadata(value: object) -> Mapping[str, str] | None:
    if value is None:
        return None
    needed = (
        f"an object of at most {MAX_METADATA} strings of {LONGEST_VALUE} characters, with names of "
        f"{LONGEST_KEY}"
    )
    if not isinstance(value, dict) or len(value) > MAX_METADATA:
        raise errors.wrong("metadata", needed)
    for name, it in value.items():
        if not isinstance(it, str) or len(name) > LONGEST_KEY or len(it) > LONGEST_VALUE:
            raise errors.wrong("metadata", needed)
    return value
