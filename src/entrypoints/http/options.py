"""The options of the HTTP interface."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from modegate.entrypoints.http.admin.options import AdminOptions
from modegate.entrypoints.http.messages.forwarded import ForwardedHeader
from modegate.entrypoints.http.resources.relayed import RelayOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Options of the HTTP interface; sizes in bytes, times in seconds."""

    version: str
    max_body: int = 1024 * 1024
    keep_alive: float = 15.0
    cors_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    forwarded_header: str = ForwardedHeader.AUTO
    offline: bool = False
    relaying: RelayOptions = field(default_factory=RelayOptions)
    metrics_token: str | None = field(default=None, repr=False)
    admin: AdminOptions = field(default_factory=AdminOptions)
