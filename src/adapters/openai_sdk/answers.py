"""What of an upstream's answer is handed on."""

import json

import aiohttp

from modegate.adapters.openai_sdk import failures
from modegate.domain.verbatim import Verbatim, VerbatimHead

KEPT = frozenset({"content-type", "retry-after", "retry-after-ms"})
KEPT_PREFIXES = ("x-ratelimit-", "openai-")
RENAMED = {"x-request-id": "x-upstream-request-id"}


def head_of(response: aiohttp.ClientResponse) -> VerbatimHead:
    """Status and headers; those of the connection, and an encoding already undone, stay behind."""
    headers = []
    for name, value in response.headers.items():
        lower = name.lower()
        if lower in KEPT or lower.startswith(KEPT_PREFIXES):
            headers.append((lower, value))
        elif lower in RENAMED:
            headers.append((RENAMED[lower], value))
    return VerbatimHead(response.status, tuple(headers))


async def whole(response: aiohttp.ClientResponse) -> Verbatim:
    """The answer with all of its body."""
    head = head_of(response)
    return Verbatim(head.status, head.headers, await response.read())


def is_event_stream(response: aiohttp.ClientResponse) -> bool:
    """Whether the body is server-sent events."""
    return response.content_type == "text/event-stream"


def models_in(body: bytes) -> list[dict[str, object]]:
    """The model objects of a list of models.

    Raises:
        UpstreamUnreachableError: the body is something else.
    """
    try:
        listed = json.loads(body)["data"]
        return [model for model in listed if isinstance(model["id"], str)]
    except (ValueError, KeyError, TypeError) as error:
        raise failures.no_list() from error
