"""The parts of an upstream's answer that are relayed."""

from functools import lru_cache
from typing import Self

import aiohttp
from yarl import URL

from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.domain.upstream_response import ResponseHead

# Renamed, because modegate sends its own headers with these names.
RENAMED = {
    "x-request-id": "x-upstream-request-id",
    "x-ratelimit-limit": "x-upstream-ratelimit-limit",
    "x-ratelimit-remaining": "x-upstream-ratelimit-remaining",
    "x-ratelimit-reset": "x-upstream-ratelimit-reset",
}
KEPT = frozenset({"content-type", "retry-after", "retry-after-ms", "x-should-retry", *RENAMED})
KEPT_PREFIXES = ("x-ratelimit-", "openai-")


@lru_cache(maxsize=1024)
def _kept_as(raw_name: bytes) -> str | None:
    """Returns the name under which a header is relayed, or None if it is dropped."""
    name = raw_name.decode("latin-1").lower()
    return RENAMED.get(name, name) if name in KEPT or name.startswith(KEPT_PREFIXES) else None


def head_of(response: aiohttp.ClientResponse) -> ResponseHead:
    """Returns the status and the relayed headers, without hop-by-hop headers and content coding."""
    headers = [
        (name, value.decode("latin-1"))
        for raw_name, value in response.raw_headers
        if (name := _kept_as(raw_name)) is not None
    ]
    return ResponseHead(response.status, tuple(headers))


class Answer:
    """An answer whose head has arrived; a context that releases its connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.head = head_of(response)
        self.body = AnswerBody(response)

    @property
    def redirect_target(self) -> str:
        """A redirect's target without user, query and fragment, which may be secret; or empty."""
        location = self._response.headers.get("location")
        if not location:
            return ""
        try:
            target = self._response.url.join(URL(location))
            return str(target.with_user(None).with_query(None).with_fragment(None))
        except ValueError:
            return ""

    @property
    def says_events(self) -> bool:
        """Whether the content type is that of server-sent events."""
        return self._response.content_type == "text/event-stream"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the connection: reused if the body was read completely, closed otherwise."""
        self.body.close()
        self._response.close()
