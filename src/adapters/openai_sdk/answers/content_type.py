"""Sets the content type of an answer to match its bytes."""

from functools import lru_cache

from modegate.domain.upstream_response import ResponseHead

Headers = tuple[tuple[str, str], ...]

JSON_TYPE = "application/json"
EVENTS_TYPE = "text/event-stream"


def as_json(head: ResponseHead) -> Headers:
    """Returns the headers with a JSON content type; unchanged if correct."""
    return _labelled(head, JSON_TYPE, "json")


def as_events(head: ResponseHead) -> Headers:
    """Returns the headers with the content type of server-sent events; unchanged if correct."""
    return _labelled(head, EVENTS_TYPE, EVENTS_TYPE)


def _labelled(head: ResponseHead, content_type: str, end: str) -> Headers:
    labels = [value for name, value in head.headers if name == "content-type"]
    if len(labels) == 1 and _media_type(labels[0]).endswith(end):
        return head.headers
    others = (header for header in head.headers if header[0] != "content-type")
    return (("content-type", content_type), *others)


@lru_cache(maxsize=64)
def _media_type(label: str) -> str:
    return label.partition(";")[0].strip().lower()
