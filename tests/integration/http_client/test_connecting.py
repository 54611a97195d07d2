"""The ways to an upstream: addresses, TLS and proxies."""

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import trustme
from support.http_client import Peer, Server, ask, opened, serving
from support.serving import free_port
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.connections import addresses, connecting
from modegate.http_client.connections.addresses import Address
from modegate.http_client.connections.connecting import ConnectTimeouts
from modegate.http_client.connections.tls import TlsContext
from modegate.http_client.errors import ConnectError
from modegate.http_client.messages.route import Origin, Proxy, Route

LONG_S = 60.0
PATIENT = ConnectTimeouts(connect_s=LONG_S, handshake_s=LONG_S, tunnel_s=LONG_S)
NAME = "upstream.example"
CREDENTIALS = "Basic dXNlcjpzZWNyZXQ="


async def echo(peer: Peer) -> None:
    """Answers each request with its target."""
    while True:
        target = (await peer.request()).split(b" ", 2)[1]
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(target) + target)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def client(authority: trustme.CA) -> Client:
    """A client that trusts the authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return Client(PATIENT, tls=TlsContext(context))


def certified(authority: trustme.CA, name: str = "127.0.0.1", *, days: int = 1) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    until = dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days)
    authority.issue_cert(name, not_after=until).configure_cert(context)
    return context


@contextmanager
def unanswering() -> Iterator[Address]:
    """An address that answers no attempt: the backlog of its socket is full."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            with suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        yield (socket.AF_INET, 0, full.getsockname())


def resolve_to(monkeypatch: pytest.MonkeyPatch, *found: Address) -> None:
    async def resolve(_host: str, _port: int) -> list[Address]:
        return [*found]

    monkeypatch.setattr(connecting, "resolve", resolve)


def address_of(server: Server) -> Address:
    return (socket.AF_INET, 0, (server.host, server.port))


def refusing() -> Address:
    return (socket.AF_INET, 0, ("127.0.0.1", free_port()))


async def test_the_next_address_is_tried_if_the_first_one_refuses(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(echo) as server, opened(client):
        resolve_to(monkeypatch, refusing(), refusing(), address_of(server))
        assert await ask(client, Route(Origin("http", NAME, 80))) == (200, b"/")


async def test_the_next_address_is_tried_if_the_first_one_does_not_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(echo) as server, opened(client):
        with unanswering() as dead:
            resolve_to(monkeypatch, dead, address_of(server))
            assert await ask(client, Route(Origin("http", NAME, 80))) == (200, b"/")


async def test_one_connection_is_opened_though_several_addresses_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(echo) as server, opened(client):
        with unanswering() as dead:
            resolve_to(monkeypatch, dead, address_of(server), address_of(server))
            for _ in range(3):
                assert await ask(client, Route(Origin("http", NAME, 80))) == (200, b"/")
        assert len(server.peers) == 1


async def test_of_two_connections_opened_at_once_one_is_closed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(peer: Peer) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await echo(peer)
        left.append(peer)

    left: list[Peer] = []
    monkeypatch.setattr(addresses, "STAGGER_S", 0.0)
    async with serving(serve) as server, opened(client):
        resolve_to(monkeypatch, address_of(server), address_of(server))
        for _ in range(5):
            assert await ask(client, Route(Origin("http", NAME, 80))) == (200, b"/")
        await until(lambda: len(server.peers) == 1 + len(left))


async def test_no_address_accepts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(client):
        for found in ([refusing()], [refusing(), refusing()]):
            resolve_to(monkeypatch, *found)
            with pytest.raises(ConnectError):
                await ask(client, Route(Origin("http", NAME, 80)))


async def test_a_host_that_does_not_exist(client: Client) -> None:
    async with opened(client):
        for host in ("nowhere.invalid", "a" * 70, "a..b"):
            with pytest.raises(ConnectError):
                await ask(client, Route(Origin("http", host, 80)))


async def test_an_attempt_that_is_cancelled_leaves_no_socket(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asyncio.all_tasks()
    async with opened(client):
        with unanswering() as one, unanswering() as other:
            resolve_to(monkeypatch, one, other)
            task = asyncio.create_task(ask(client, Route(Origin("http", NAME, 80))))
            await until(lambda: len(asyncio.all_tasks() - before) == 3)
            task.cancel()
            await asyncio.wait({task})
            assert asyncio.all_tasks() == before


async def test_an_ipv6_address(client: Client) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        async with serving(echo, host="::1") as server, opened(client):
            assert await ask(client, server.route) == (200, b"/")
    except OSError:
        pytest.skip("no IPv6 on this machine")


async def test_an_upstream_with_a_certificate_of_a_trusted_authority(
    client: Client, authority: trustme.CA
) -> None:
    async with serving(echo, certified(authority)) as server, opened(client):
        for path in ("/a", "/b"):
            assert await ask(client, server.route, path=path) == (200, path.encode())
        assert len(server.peers) == 1


async def test_large_bodies_over_tls(client: Client, authority: trustme.CA) -> None:
    async def serve(peer: Peer) -> None:
        body = (await peer.request()).partition(b"\r\n\r\n")[2]
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await peer.gone()

    body = bytes(range(256)) * 16_384
    async with serving(serve, certified(authority)) as server, opened(client):
        assert await ask(client, server.route, body) == (200, body)


@pytest.mark.parametrize("fault", ["wrong host", "expired", "another authority"])
async def test_a_certificate_that_vouches_for_nothing(
    fault: str, client: Client, authority: trustme.CA
) -> None:
    tls = {
        "wrong host": lambda: certified(authority, "elsewhere.example"),
        "expired": lambda: certified(authority, days=-1),
        "another authority": lambda: certified(trustme.CA()),
    }[fault]()
    requests: list[bytes] = []

    async def serve(peer: Peer) -> None:
        requests.append(await peer.request())

    async with serving(serve, tls) as server, opened(client):
        with pytest.raises(ConnectError, match="SSLCertVerificationError"):
            await ask(client, server.route, b"secret")
    assert requests == []


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\x00"])
async def test_a_handshake_that_is_cut(data: bytes, client: Client) -> None:
    async def serve(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(data)

    async with serving(serve) as server, opened(client):
        with pytest.raises(ConnectError, match="TLS handshake"):
            await ask(client, Route(Origin("https", "127.0.0.1", server.port)))


class TunnelProxy:
    """A proxy that opens tunnels, always to the same place, and remembers what it was told."""

    def __init__(self, target: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.heads: list[bytes] = []
        self.carried = b""
        self._target = target
        self._answer = answer

    async def __call__(self, peer: Peer) -> None:
        self.heads.append(await peer.request())
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        await peer.send(self._answer)
        try:
            await asyncio.gather(self._carry(peer.reader, writer), self._carry(reader, peer.writer))
        finally:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.carried += data
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


def via(server: Server, credentials: str | None = CREDENTIALS) -> Proxy:
    return Proxy(server.route.origin, credentials)


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["HTTP proxy", "HTTPS proxy"])
async def test_a_tunnel_carries_tls_that_the_proxy_cannot_read(
    proxy_tls: bool, client: Client, authority: trustme.CA
) -> None:
    async with serving(echo, certified(authority, NAME)) as upstream:
        proxy = TunnelProxy(upstream.port)
        tls = certified(authority) if proxy_tls else None
        async with serving(proxy, tls) as server, opened(client):
            route = Route(Origin("https", NAME, 443), via(server))
            for path in ("/a", "/b"):
                assert await ask(client, route, b"private", path=path) == (200, path.encode())
    assert proxy.heads == [
        f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\n"
        f"Proxy-Authorization: {CREDENTIALS}\r\n\r\n".encode()
    ]
    assert b"private" not in proxy.carried
    assert len(upstream.peers) == 1


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["HTTP proxy", "HTTPS proxy"])
async def test_a_certificate_is_checked_through_a_tunnel(
    proxy_tls: bool, client: Client, authority: trustme.CA
) -> None:
    if proxy_tls and "uvloop" not in repr(asyncio.get_running_loop()):
        pytest.skip("asyncio of Python 3.11 also reports a TypeError of its own code")
    async with serving(echo, certified(authority, "elsewhere.example")) as upstream:
        tls = certified(authority) if proxy_tls else None
        async with serving(TunnelProxy(upstream.port), tls) as server, opened(client):
            with pytest.raises(ConnectError, match="SSLCertVerificationError"):
                await ask(client, Route(Origin("https", NAME, 443), via(server)))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nno!", "the proxy answered with status 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy answered with status 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "the proxy answered with status 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no answer of the proxy"),
        (b"HTTP/1.1 200", "no answer of the proxy"),
        (b"", "no answer of the proxy"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel(answer: bytes, why: str, client: Client) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async with serving(serve) as server, opened(client):
        with pytest.raises(ConnectError, match=why):
            await ask(client, Route(Origin("https", NAME, 443), via(server)))
        assert len(server.peers) == 1


async def test_bytes_of_a_proxy_are_not_taken_for_the_upstreams(
    client: Client, authority: trustme.CA
) -> None:
    async with serving(echo, certified(authority, NAME)) as upstream:
        proxy = TunnelProxy(upstream.port, b"HTTP/1.1 200 OK\r\n\r\n\x16\x03")
        async with serving(proxy) as server, opened(client):
            with pytest.raises(ConnectError, match="the proxy answered"):
                await ask(client, Route(Origin("https", NAME, 443), via(server)))


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["HTTP proxy", "HTTPS proxy"])
async def test_a_request_that_the_proxy_reads(
    proxy_tls: bool, client: Client, authority: trustme.CA
) -> None:
    async with serving(echo, certified(authority) if proxy_tls else None) as server, opened(client):
        route = Route(Origin("http", NAME, 8080), via(server))
        target = f"http://{NAME}:8080/a".encode()
        assert await ask(client, route, path="/a") == (200, target)


async def test_each_route_has_its_own_connections(client: Client) -> None:
    async with serving(echo) as one, serving(echo) as other, opened(client):
        behind = Route(other.route.origin, via(one))
        for _ in range(2):
            for route in (one.route, other.route, behind):
                await ask(client, route)
        assert (len(one.peers), len(other.peers)) == (2, 1)
