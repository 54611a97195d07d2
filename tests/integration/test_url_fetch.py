"""Images are fetched from allowed hosts and addresses only, within bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.gateway import CLAUDE, GatewayFactory
from support.pictures import PNG

from modegate.adapters.url_fetch.fetcher import UrlFetcher
from modegate.application.ports.media_fetcher import FetchError
from modegate.domain.media.policy import MediaPolicy
from modegate.simulator.provider import SimulatedProvider

LOCAL = MediaPolicy(private_hosts=("127.0.0.1",), max_image_bytes=2000)


class Store:
    """An HTTP server; `asked` are the paths that were requested."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.asked.append(path)
        writer.write(self.response(path))
        await writer.drain()
        writer.close()

    def response(self, path: str) -> bytes:
        name, _, value = path.removeprefix("/").partition("?")
        if name == "to":
            return f"HTTP/1.1 302 Found\r\nLocation: {value}\r\nContent-Length: 0\r\n\r\n".encode()
        body = {"a.png": PNG, "large": b"x" * 3000}.get(name)
        if body is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    made = Store()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


async def test_images_and_redirects_within_the_host_are_fetched(store: Store) -> None:
    for path in ("/a.png?key=1", "/to?/a.png", f"/to?{store.url}/to?/a.png"):
        assert await UrlFetcher().fetch(store.url + path, LOCAL) == PNG
    assert store.asked[0] == "/a.png?key=1"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", "status 404"),
        ("/large", "larger than 2000 bytes"),
        ("/to?http://localhost/a.png", "redirects to a host"),
        ("/to?https://169.254.169.254/a.png", "redirects to a host"),
        ("/to?file:///etc/passwd", "redirects to a host"),
        ("/to?/to?/to?/to?/a.png", "more than 3 times"),
    ],
)
async def test_failures_have_a_reason_without_the_url(path: str, reason: str, store: Store) -> None:
    with pytest.raises(FetchError, match=reason) as caught:
        await UrlFetcher().fetch(store.url + path, LOCAL)
    assert "127.0.0.1" not in str(caught.value)


async def test_public_hosts_with_private_addresses_are_not_connected_to(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rebound(_: Any, host: str, port: int, **options: Any) -> Any:
        assert host in ("images.test", "127.0.0.1")  # uvloop resolves addresses, too
        return socket.getaddrinfo("127.0.0.1", port, **options)

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", rebound)
    port = store.url.rpartition(":")[2]
    policy = MediaPolicy(hosts=("images.test",))
    with pytest.raises(FetchError, match="private address"):
        await UrlFetcher().fetch(f"https://images.test:{port}/a.png", policy)
    assert store.asked == []
    private = MediaPolicy(private_hosts=("images.test",))
    assert await UrlFetcher().fetch(f"http://images.test:{port}/a.png", private) == PNG


async def test_a_linked_image_reaches_the_api_and_its_url_no_log(
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with gateway(media_url_private_hosts=("127.0.0.1",)) as running:
        for path, status in (("/a.png?key=secret", 200), ("/none?key=secret", 400)):
            part = {"type": "image_url", "image_url": {"url": store.url + path}}
            said = [{"role": "user", "content": [part]}]
            body = {"model": "sonnet", "messages": said}
            answered = await running.http.post("/v1/chat/completions", json=body, headers=CLAUDE)
            assert answered.status_code == status, answered.text
    assert "404" in answered.json()["error"]["message"]
    (request,) = provider.requests
    assert "image/png" in str(request.json["messages"])
    assert "secret" not in caplog.text
