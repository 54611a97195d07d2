"""What a request opens is gone with it."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from modegate.entrypoints.http.drain import Drain
from modegate.entrypoints.http.lifetime import Headers, Lifetime, Message, Receive, Send

SCOPE = {"type": "http", "method": "POST", "headers": [(b"content-length", b"2")]}


class Client:
    """Sends a body, and stays; tells when somebody waits for its leaving."""

    def __init__(self) -> None:
        self.watched = asyncio.Event()
        self._body = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive(self) -> Message:
        if self._body:
            return self._body.pop()
        self.watched.set()
        return await asyncio.Future[Message]()


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def beside(own: Headers, *_: Any) -> Headers:
    return own


async def ignore(_: Message) -> None:
    pass


@pytest.mark.usefixtures("no_collector")
async def test_a_request_that_was_watched_needs_no_garbage_collector() -> None:
    client = Client()
    gone = weakref.ref(client)
    watched = client.watched

    async def app(_: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await watched.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    handle = Lifetime(app, Drain(), beside, lambda _: None)
    await asyncio.create_task(handle(dict(SCOPE), client.receive, ignore))
    del client
    await asyncio.sleep(0)  # so that who watched has ended
    assert gone() is None
