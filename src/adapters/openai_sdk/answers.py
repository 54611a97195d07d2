"""What of an upstream's answer is handed on."""

import json
from functools import lru_cache

import aiohttp

from modegate.adapters.openai_sdk import failures
from modegate.domain.verbatim import Verbatim, VerbatimHead

LAST_STATUS = 599
# These three are modegate's own words to a client, and so is its id of the request.
RENAMED = {
    "x-request-id": "x-upstream-request-id",
    "x-ratelimit-limit": "x-upstream-ratelimit-limit",
    "x-ratelimit-remaining": "x-upstream-ratelimit-remaining",
    "x-ratelimit-reset": "x-upstream-ratelimit-reset",
}
KEPT = frozenset({"content-type", "retry-after", "retry-after-ms", *RENAMED})
KEPT_PREFIXES = ("x-ratelimit-", "openai-")


@lru_cache(maxsize=1024)
def _kept_as(raw_name: bytes) -> str | None:
    """What a header is called on its way to the client; None where it stays behind."""
    name = raw_name.decode("latin-1").lower()
    return RENAMED.get(name, name) if name in KEPT or name.startswith(KEPT_PREFIXES) else None


def head_of(response: aiohttp.ClientResponse) -> VerbatimHead:
    """Status and headers; those of the connection, and an encoding already undone, stay behind."""
    if response.status > LAST_STATUS:
        raise failures.not_http(response.status)
    headers = [
        (name, value.decode("latin-1"))
        for raw_name, value in response.raw_headers
        if (name := _kept_as(raw_name)) is not None
    ]
    return VerbatimHead(response.status, tuple(headers), is_events=_is_event_stream(response))


async def whole(response: aiohttp.ClientResponse) -> Verbatim:
    """The answer with all of its body."""
    head = head_of(response)
    return Verbatim(head.status, head.headers, await response.read())


def _is_event_stream(response: aiohttp.ClientResponse) -> bool:
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
