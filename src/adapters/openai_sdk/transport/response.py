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
CONTENT_LENGTH = b"content-length"
CONTENT_ENCODING = "content-encoding"
KEPT_PREFIXES = ("x-ratelimit-", "openai-", "anthropic-ratelimit-")


@lru_cache(maxsize=1024)
def _known_as(raw_name: bytes) -> str | None:
    """Returns the name under which a header is relayed, or `CONTENT_ENCODING`; else None."""
    name = raw_name.decode("latin-1").lower()
    if name in KEPT or name.startswith(KEPT_PREFIXES):
        return RENAMED.get(name, name)
    return name if name == CONTENT_ENCODING else None


class Answer:
    """An answer whose head has arrived; a context that releases its connection.

    `head` has the relayed headers, without hop-by-hop headers and content codings.
    """

    def __init__(self, exchange: Exchange, url: URL) -> None:
        self._exchange = exchange
        self._url = url
        relayed, codings = [], []
        for raw_name, raw_value in exchange.headers:
            name = _known_as(raw_name)
            if name == CONTENT_ENCODING:
                codings.append(raw_value.decode("latin-1"))
            elif name is not None:
                relayed.append((name, raw_value.decode("latin-1")))
        self.head = ResponseHead(exchange.status, tuple(relayed))
        self.body = AnswerBody(exchange, codings)

    @property
    def content_head(self) -> ResponseHead:
        """The head of an answer that is relayed unchanged; its length only if nothing is decoded."""
        named = [(name.lower(), value) for name, value in self._exchange.headers]
        wanted = OF_CONTENT if self.body.is_encoded else OF_CONTENT | {CONTENT_LENGTH}
        found = [
            (name.decode(), value.decode("latin-1")) for name, value in named if name in wanted
        ]
        return ResponseHead(self.head.status, (*self.head.headers, *found))

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
