"""A fetcher of images without a network."""

from collections.abc import Mapping

from modegate.application.ports.media_fetcher import FetchError
from modegate.domain.media.policy import MediaPolicy


class FakeFetcher:
    """Has the bytes of some URLs; `asked` are those that were fetched."""

    def __init__(self, known: Mapping[str, bytes] | None = None) -> None:
        self.known = known or {}
        self.asked: list[str] = []

    async def fetch(self, url: str, policy: MediaPolicy) -> bytes:
        """Returns what is known of the URL, if it is within the bounds."""
        self.asked.append(url)
        if url not in self.known:
            raise FetchError("it did not answer in time")
        return self.known[url][: policy.max_image_bytes + 1]
