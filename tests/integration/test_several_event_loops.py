"""A transport in code that calls `asyncio.run` repeatedly."""

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator

import pytest
import uvloop
from yarl import URL

from modegate.adapters.openai_sdk.endpoint import Endpoint
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.transport.transport import Transport

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
RUNS = 3


@pytest.fixture
def upstream() -> Iterator[URL]:
    """An upstream in a thread, which answers one request on each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(RUNS):
                accepted, _ = listener.accept()
                with accepted:
                    accepted.recv(65_536)
                    accepted.sendall(ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        yield URL(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


# The connections of an event loop that was closed with them; only the loop could close them.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_each_event_loop_has_its_own_connections(run: object, upstream: URL) -> None:
    transport = Transport(UpstreamOptions())
    endpoint = Endpoint(upstream, upstream, upstream / "models", {})

    async def ask() -> bytes:
        async with await transport.models(endpoint) as answer:
            return await answer.body.read_all()

    for _ in range(RUNS):
        assert run(ask()) == b"hi"  # type: ignore[operator]
    run(transport.aclose())  # type: ignore[operator]
    gc.collect()  # the warnings belong to this test
