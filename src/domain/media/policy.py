"""The bounds on images and files in a request."""

from urllib.parse import SplitResult

from modegate.lazy_dataclass import dataclass

MIB = 1024 * 1024
# Pixels a side; the Anthropic API refuses larger images.
MAX_SIDE = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPolicy:
    """The most decoded bytes of all images and files of a request, and of one image.

    Images are fetched from URLs of `hosts` only: names, or `*.example.com` for all names below one.
    Those of `private_hosts` may have private addresses, and be fetched over plain HTTP. If the gateway
    fetches none, because an upstream does, any URL will do.
    """

    max_bytes: int = 20 * MIB
    max_image_bytes: int = 5 * MIB
    hosts: tuple[str, ...] = ()
    private_hosts: tuple[str, ...] = ()
    fetches: bool = True

    @property
    def encoded_bytes(self) -> int:
        """The most bytes that all images and files take in a body, in base64; in whole MiB."""
        return -(-self.max_bytes * 4 // (3 * MIB)) * MIB

    def allows(self, host: str) -> bool:
        """Returns whether images may be fetched from the host."""
        return _names(self.hosts, host) or self.is_private(host)

    def allows_url(self, url: SplitResult) -> bool:
        """Returns whether images may be fetched from a URL: by HTTPS, or from a private host."""
        if not self.fetches:
            return True
        host = url.hostname or ""
        is_safe = url.scheme == "https" or (url.scheme == "http" and self.is_private(host))
        return is_safe and self.allows(host) and url.username is None

    def is_private(self, host: str) -> bool:
        """Returns whether the host may have private addresses, and be asked over plain HTTP."""
        return _names(self.private_hosts, host)


DEFAULT_MEDIA = MediaPolicy()


def _names(patterns: tuple[str, ...], host: str) -> bool:
    host = host.lower().rstrip(".")
    for pattern in map(str.lower, patterns):
        if pattern.startswith("*."):
            if host.endswith(pattern[1:]):
                return True
        elif host == pattern:
            return True
    return False
