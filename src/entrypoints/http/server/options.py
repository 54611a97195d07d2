"""Options of the server."""

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The address to listen on, and times in seconds.

    `keep_alive` is how long an idle connection stays open. `shutdown_timeout` bounds the wait for
    running requests at a shutdown.
    """

    host: str
    port: int
    keep_alive: float
    shutdown_timeout: float
