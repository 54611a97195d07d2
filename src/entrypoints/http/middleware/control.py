"""Controls the connection of a request, as an extension of the ASGI scope.

ASGI has no way to allow a slow body, or to end a response that cannot be completed.
"""

from collections.abc import Callable

from modegate.lazy_dataclass import dataclass

CONNECTION_CONTROL = "modegate.connection_control"


@dataclass(frozen=True, slots=True)
class ConnectionControl:
    """The control of one connection, for the request that is being answered on it.

    `expect_upload` bounds each silence of the body, and no longer the time of the whole request.
    `close` ends the connection after what was sent so far.
    """

    expect_upload: Callable[[], None]
    close: Callable[[], None]
