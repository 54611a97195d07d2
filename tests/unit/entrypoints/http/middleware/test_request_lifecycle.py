"""What a request opens is gone with it."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.client_connection import Headers, Message, Receive, Send
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.early_rejections import REFUSED
from modegate.entrypoints.http.middleware.request_lifecycle import RequestLifecycle

SCOPE = {"type": "http", "method": "POST", "headers": [(b"content-length", b"2")]}


class Client:
    """Sends a body, and stays; tells when somebody waits for its leaving."""

    def __init__(self) -> None:
        self.watched = asyncio.Event()
        self._gone = asyncio.Event()
        self._body = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive(self) -> Message:
        if self._body:
            return self._body.pop()
        self.watched.set()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._gone.set()


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

    handle = RequestLifecycle(app, Draining(), beside, ())
    await asyncio.create_task(handle(dict(SCOPE), client.receive, ignore))
    del client
    await asyncio.sleep(0)  # so that who watched has ended
    assert gone() is None


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_the_record_has_the_clients_method(method: str) -> None:
    methods, records = [], list[RequestRecord]()

    async def app(scope: Message, _: Receive, send: Send) -> None:
        methods.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    class Observer:
        def observe(self, record: RequestRecord) -> None:
            records.append(record)

    handle = RequestLifecycle(app, Draining(), beside, [Observer()])
    await handle({"type": "http", "method": method, "headers": []}, Client().receive, ignore)
    assert methods == ["GET"]
    assert [record.method for record in records] == [method]


class Opened:
    """What a request opens, and takes a moment to release."""

    def __init__(self) -> None:
        self.beginning = asyncio.Event()
        self.may_end = asyncio.Event()
        self.released = False

    async def app(self, scope: Message, receive: Receive, send: Send) -> None:
        del send
        if REFUSED in scope:
            return
        while (await receive()).get("more_body"):
            pass
        try:
            await asyncio.Future[None]()
        finally:
            self.beginning.set()
            await self.may_end.wait()
            self.released = True


@pytest.mark.parametrize("leaves_first", [True, False])
async def test_a_client_that_leaves_and_a_cut_are_one_end(*, leaves_first: bool) -> None:
    opened, client = Opened(), Client()
    handle = RequestLifecycle(opened.app, Draining(), beside, ())
    request = asyncio.create_task(handle(dict(SCOPE), client.receive, ignore))
    await client.watched.wait()
    if leaves_first:
        client.leave()
        await opened.beginning.wait()
        await handle.drain(0)
    else:
        await handle.drain(0)
        await opened.beginning.wait()
        client.leave()
    await asyncio.sleep(0)
    opened.may_end.set()
    await request
    assert opened.released
