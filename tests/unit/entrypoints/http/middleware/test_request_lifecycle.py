"""Resources of a request are released when it ends."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from modegate.domain.quota import Quota
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.client_connection import Message, Receive, Send
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.early_rejections import REFUSED
from modegate.entrypoints.http.middleware.request_lifecycle import RequestLifecycle
from modegate.entrypoints.http.middleware.response_headers import CommonHeaders

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [(b"content-length", b"2")],
}


class Client:
    """Sends a body and stays connected; `watched` is set once a disconnect is awaited."""

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

    def close_connection(self) -> None:
        self._gone.set()


@pytest.fixture
def gc_disabled() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def unlimited(_: object) -> Quota:
    return Quota(1, 1, 0.0)


COMMON = CommonHeaders(unlimited)


async def noop(_: Message) -> None:
    pass


@pytest.mark.usefixtures("gc_disabled")
async def test_a_finished_request_is_freed_without_the_garbage_collector() -> None:
    client = Client()
    gone = weakref.ref(client)
    watched = client.watched

    async def app(_: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await watched.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    handle = RequestLifecycle(app, Draining(), COMMON, ())
    await asyncio.create_task(handle(dict(SCOPE), client.receive, noop))
    del client
    await asyncio.sleep(0)  # lets the disconnect watcher end
    assert gone() is None


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_head_is_handled_as_get_and_recorded_as_sent(method: str) -> None:
    methods, records = [], list[RequestRecord]()

    async def app(scope: Message, _: Receive, send: Send) -> None:
        methods.append(scope["method"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    class Observer:
        def observe(self, record: RequestRecord) -> None:
            records.append(record)

    handle = RequestLifecycle(app, Draining(), COMMON, [Observer()])
    await handle({"type": "http", "method": method, "headers": []}, Client().receive, noop)
    assert methods == ["GET"]
    assert [record.method for record in records] == [method]


class SlowResource:
    """A resource that a request opens and that takes a moment to release."""

    def __init__(self) -> None:
        self.release_started = asyncio.Event()
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
            self.release_started.set()
            await self.may_end.wait()
            self.released = True


@pytest.mark.parametrize("disconnects_first", [True, False])
async def test_resources_are_released_when_a_client_disconnects_around_a_drain(
    *, disconnects_first: bool
) -> None:
    opened, client = SlowResource(), Client()
    handle = RequestLifecycle(opened.app, Draining(), COMMON, ())
    request = asyncio.create_task(handle(dict(SCOPE), client.receive, noop))
    await client.watched.wait()
    if disconnects_first:
        client.close_connection()
        await opened.release_started.wait()
        await handle.drain(0)
    else:
        await handle.drain(0)
        await opened.release_started.wait()
        client.close_connection()
    await asyncio.sleep(0)
    opened.may_end.set()
    await request
    assert opened.released


async def test_a_shutdown_sends_nothing_behind_a_complete_stream() -> None:
    sent, records = list[Message](), list[RequestRecord]()
    is_complete = asyncio.Event()

    async def app(_: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        is_complete.set()
        await asyncio.Future[None]()  # as the rest of an upstream's stream is awaited

    class Observer:
        def observe(self, record: RequestRecord) -> None:
            records.append(record)

    async def send(message: Message) -> None:
        sent.append(message)

    handle = RequestLifecycle(app, Draining(), COMMON, [Observer()])
    request = asyncio.create_task(handle(dict(SCOPE), Client().receive, send))
    await is_complete.wait()
    await handle.drain(0)
    await request
    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b""]
    assert [record.error for record in records] == [None]
