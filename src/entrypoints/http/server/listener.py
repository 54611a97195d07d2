"""Opens the listening socket."""

import contextlib
import socket

BACKLOG = 2048


class AddressError(Exception):
    """The server cannot listen on the address."""


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket; port 0 selects a free port.

    Raises:
        AddressError: the address is in use, invalid, or not of this machine.
    """
    try:
        return _listening(host, port)
    except OSError as error:
        raise _bad_address(host, port, error.strerror) from None
    except UnicodeError:  # a host name with an empty or too long label
        raise _bad_address(host, port, "no host can be called so") from None


def _bad_address(host: str, port: int, why: str | None) -> AddressError:
    return AddressError(
        f"cannot listen on {host}:{port} ({why}): choose another with HOST and PORT"
    )


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with contextlib.ExitStack() as failing:
        listener = failing.enter_context(socket.socket(family, kind, protocol))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        failing.pop_all()
    return listener
