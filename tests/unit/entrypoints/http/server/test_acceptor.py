import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterator

import pytest
from support.waiting import until

from modegate.entrypoints.http.server import acceptor
from modegate.entrypoints.http.server.acceptor import Acceptor


class Listener:
    """A listening socket whose `accept` raises `error` while that is set."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.error: OSError | None = None
        self.attempts = 0
        self.settimeout, self.fileno, self.close = (
            self.socket.settimeout,
            self.socket.fileno,
            self.socket.close,
        )

    def accept(self) -> tuple[socket.socket, object]:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        return self.socket.accept()


class Greeting(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(b"hello")  # type: ignore[attr-defined]
        transport.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


async def greeting(listener: Listener) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.socket.getsockname())
    try:
        return await reader.read()
    finally:
        writer.close()


def accepting(listener: Listener, is_full: Callable[[], bool] = lambda: False) -> Acceptor:
    return Acceptor(listener, Greeting, is_full)  # type: ignore[arg-type]


async def test_accepted_connections_get_the_protocol(listener: Listener) -> None:
    accepts = accepting(listener)
    assert [await greeting(listener) for _ in range(3)] == [b"hello"] * 3
    accepts.close()
    await accepts.wait_closed()
    accepts.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_a_failed_accept_is_retried_after_a_delay_and_logged_once(
    number: int,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pauses: list[float] = []
    loop = asyncio.get_running_loop()

    def call_later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        pauses.append(seconds)
        return loop.call_at(loop.time(), callback)

    class Loop:
        def __getattr__(self, name: str) -> object:
            return call_later if name == "call_later" else getattr(loop, name)

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    with caplog.at_level(logging.ERROR):
        listener.error = OSError(number, "used up")
        accepts = accepting(listener)
        monkeypatch.undo()
        greeted = asyncio.create_task(greeting(listener))
        await until(lambda: listener.attempts >= 3)
        listener.error = None
        assert await greeted == b"hello"
    accepts.close()
    assert len(pauses) == listener.attempts - 1
    assert set(pauses) == {acceptor.RETRY_DELAY_S}
    assert [record.message for record in caplog.records] == [
        "connections cannot be accepted (used up): trying again every second"
    ]


async def test_a_full_acceptor_waits_until_it_has_capacity(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "FULL_DELAY_S", 0.0)
    asked: list[bool] = []

    def is_full() -> bool:
        asked.append(len(asked) < 3)
        return asked[-1]

    accepts = accepting(listener, is_full)
    assert await greeting(listener) == b"hello"
    accepts.close()
    assert asked[:4] == [True, True, True, False]
    assert listener.attempts >= 1


async def test_closing_during_the_retry_delay_stops_accepting(listener: Listener) -> None:
    listener.error = OSError(errno.EMFILE, "used up")
    accepts = accepting(listener)
    greeted = asyncio.create_task(greeting(listener))
    await until(lambda: listener.attempts == 1)
    accepts.close()
    with pytest.raises(ConnectionError):
        await greeted
