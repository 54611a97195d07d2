"""The options of the HTTP interface."""

from collections.abc import Sequence
from dataclasses import field

from modegate.entrypoints.http.admin.options import AdminOptions
from modegate.entrypoints.http.messages.client_address import parse_network
from modegate.entrypoints.http.messages.forwarded import ForwardedHeader
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses
from modegate.entrypoints.http.resources.relayed import RelayOptions
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Options of the HTTP interface; sizes in bytes, times in seconds."""

    version: str
    max_body: int = 1024 * 1024
    max_media: int = 27 * 1024 * 1024  # in base64
    keep_alive: float = 15.0
    drain_delay: float = 0.0
    cors_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    forwarded_header: str = ForwardedHeader.AUTO
    offline: bool = False
    relaying: RelayOptions = field(default_factory=RelayOptions)
    metrics_token: str | None = field(default=None, repr=False)
    admin: AdminOptions = field(default_factory=AdminOptions)


class LiveHttpOptions:
    """The options of now; a reload replaces them."""

    def __init__(self, options: HttpOptions) -> None:
        self.current = options
        self.addresses = ClientAddresses()
        self.replace(options)

    def replace(self, options: HttpOptions) -> None:
        """Sets the options for the requests from now on."""
        self.current = options
        proxies = tuple(map(parse_network, options.trusted_proxies))
        self.addresses.reconfigure(proxies, ForwardedHeader(options.forwarded_header))
