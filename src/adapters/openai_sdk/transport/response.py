"""The parts of an upstream's answer that are relayed."""

from functools import lru_cache
from typing import Self

from yarl import URL

from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.domain.upstream_response import ResponseHead
from modegate.http_client.connections.exchange import Exchange

# Renamed, because modegate sends its own headers with these names.
RENAMED = {
    "x-request-id": "x-upstream-request-id",
    "x-ratelimit-limit": "x-upstream-ratelimit-limit",
    "x-ratelimit-remaining": "x-upstream-ratelimit-remaining",
    "x-ratelimit-reset": "x-upstream-ratelimit-reset",
}
# `request-id` is Anthropic's, and also in the body of its errors.
KEPT = frozenset(
    {"content-type", "request-id", "retry-after", "retry-after-ms", "x-should-retry", *RENAMED}
)
# Of an answer that is relayed unchanged, also what describes its content.
OF_CONTENT = frozenset({b"content-disposition", b"content-range", b"accept-ranges", b"etag"})
CONTENT_LENGTH, CONTENT_ENCODING = b"content-length", b"content-encoding"
KEPT_PREFIXES = ("x-ratelimit-", "openai-", "anthropic-ratelimit-")


@lru_cache(maxsize=1024)
def _kept_as(raw_name: bytes) -> str | None:
    """Returns the name under which a header is relayed, or None if it is dropped."""
    name = raw_name.decode("latin-1").lower()
    return RENAMED.get(name, name) if name in KEPT or name.startswith(KEPT_PREFIXES) else None


def head_of(exchange: Exchange) -> ResponseHead:
    """Returns the status and the relayed headers, without hop-by-hop headers and content coding."""
    headers = [
        (name, value.decode("latin-1"))
        for raw_name, value in exchange.headers
        if (name := _kept_as(raw_name)) is not None
    ]
    return ResponseHead(exchange.status, tuple(headers))


def head_of_content(exchange: Exchange) -> ResponseHead:
    """Returns the head with the headers of the content; its length only if nothing is decoded."""
    head = head_of(exchange)
    named = [(name.lower(), value) for name, value in exchange.headers]
    wanted = OF_CONTENT
    if not any(name == CONTENT_ENCODING for name, _ in named):
        wanted |= {CONTENT_LENGTH}
    found = [(name.decode(), value.decode("latin-1")) for name, value in named if name in wanted]
    return ResponseHead(head.status, (*head.headers, *found))


class Answer:
    """An answer whose head has arrived; a context that releases its connection."""

    def __init__(self, exchange: Exchange, url: URL) -> None:
        self._exchange = exchange
        self._url = url
        self.head = head_of(exchange)
        self.body = AnswerBody(exchange)

    @property
    def content_head(self) -> ResponseHead:
        """The head of an answer that is relayed unchanged."""
        return head_of_content(self._exchange)

    @property
    def redirect_target(self) -> str:
        """A redirect's target without user, query and fragment, which may be secret; or empty."""
        location = self._first(b"location")
        if not location:
            return ""
        try:
            target = self._url.join(URL(location))
            return str(target.with_user(None).with_query(None).with_fragment(None))
        except ValueError:
            return ""

    @property
    def says_events(self) -> bool:
        """Whether the content type is that of server-sent events."""
        return self.media_type == "text/event-stream"

    @property
    def media_type(self) -> str:
        """The media type of the content in lower case; empty if it is not told."""
        return self._first(b"content-type").partition(";")[0].strip().lower()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the connection: reused if the body arrived completely, closed otherwise."""
        self._exchange.close()

    def _first(self, wanted: bytes) -> str:
        for name, value in self._exchange.headers:
            if name.lower() == wanted:
                return value.decode("latin-1")
        return ""
