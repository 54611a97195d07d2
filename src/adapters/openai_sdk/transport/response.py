"""What of an upstream's answer is handed on."""

from functools import lru_cache
from typing import Self

import aiohttp
from yarl import URL

from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.domain.upstream_response import ResponseHead

# These three are modegate's own words to a client, and so is its id of the request.
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
    """What a header is called on its way to the client; None where it stays behind."""
    name = raw_name.decode("latin-1").lower()
    return RENAMED.get(name, name) if name in KEPT or name.startswith(KEPT_PREFIXES) else None


def head_of(response: aiohttp.ClientResponse) -> ResponseHead:
    """Status and headers; those of the connection, and an encoding already undone, stay behind."""
    headers = [
        (name, value.decode("latin-1"))
        for raw_name, value in response.raw_headers
        if (name := _kept_as(raw_name)) is not None
    ]
    return ResponseHead(response.status, tuple(headers))


class Answer:
    """An answer whose head is here: a context that releases its connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.head = head_of(response)
        self.body = AnswerBody(response)

    @property
    def redirect_target(self) -> str:
        """Where a redirect leads, without what may be a secret in it; empty where it does not say."""
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
        """Whether its label is that of server-sent events."""
        return self._response.content_type == "text/event-stream"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection: for another request where all has been read, else for good."""
        self.body.close()
        self._response.close()
