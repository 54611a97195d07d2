"""The port for fetching images from URLs."""

from typing import Protocol

from modegate.domain.media.policy import MediaPolicy


class FetchError(Exception):
    """An image could not be fetched; the text is the reason, and names no URL."""


class MediaFetcher(Protocol):
    """Fetches what a URL names."""

    async def fetch(self, url: str, policy: MediaPolicy) -> bytes:
        """Returns the bytes behind a URL, at most the policy's bytes of an image.

        Raises:
            FetchError: they could not be fetched.
        """
        ...
