"""The address of the gateway that a command sends requests to."""

from urllib.parse import urlsplit

from modegate.entrypoints.cli.startup_banner import url_of
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.types import base_url

# Wildcard listen addresses and the loopback addresses to connect to instead.
REACHED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


class UsageError(Exception):
    """The options or the input are invalid; the message says what to do."""


def own_address(settings: Settings) -> str:
    """Returns the URL of the gateway with these settings, without `/v1`."""
    host = settings.host.strip("[]")
    return url_of(REACHED.get(host, host), settings.port)


def named_address(url: str, key_variable: str) -> str:
    """Returns the URL in `--url`, without `/v1`; `key_variable` is where a key belongs.

    Raises:
        UsageError: if it is no URL, or contains a key.
    """
    try:
        parts = urlsplit(url)
        has_key = bool(parts.username or parts.password)
        valid = has_key or (url.isascii() and url.isprintable() and bool(base_url(url)))
    except ValueError:
        valid = has_key = False
    if not valid:
        raise UsageError("--url must be like http://127.0.0.1:3456")
    if has_key:
        raise UsageError(f"--url must not contain a key: set {key_variable}")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def visible(name: str, value: str | None) -> str | None:
    """Returns the value if it is valid in a header.

    Raises:
        UsageError: if it is not.
    """
    if value is not None and not (value and value.isascii() and value.isprintable()):
        raise UsageError(f"{name} must be visible ASCII characters: copy it again")
    return value
