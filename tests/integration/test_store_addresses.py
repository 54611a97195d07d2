"""Every form of a store's address, against real servers."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from redis.crc import key_slot
from support.redis_fleet import Node, cluster, ended, sentinel
from support.serving import free_port

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.adapters.redis.options import RedisOptions
from modegate.domain.errors import StorageError

WRITE = Script("redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")
KEY = f"{PREFIX}test"


async def works(connection: RedisConnection, value: str = "there") -> bool:
    try:
        return bool(await connection.run(WRITE, (KEY,), (value,)) == value.encode())
    except StorageError:
        return False


async def check_both(url: str) -> None:
    """Checks scripts and commands at an address."""
    connection = RedisConnection(RedisOptions(url, 30.0))
    try:
        assert await works(connection)
        assert await connection.call(lambda client: client.get(KEY)) == b"there"
    finally:
        await connection.aclose()


async def recovered(connection: RedisConnection) -> None:
    async with asyncio.timeout(30):
        while not await works(connection):  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def encrypted(
    folder: Path, certificate: trustme.LeafCert, *, authority: Path | None = None
) -> Node:
    """Starts a server with TLS; with an authority, clients need a certificate of it."""
    folder.mkdir()
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return Node(
        folder / "node",
        options={
            "port": 0,
            "tls-port": free_port(),
            "tls-cert-file": folder / "server.pem",
            "tls-key-file": folder / "server.pem",
            "tls-ca-cert-file": authority or folder / "server.pem",
            "tls-auth-clients": "yes" if authority else "no",
        },
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("tls") / "good"
    node = encrypted(folder, authority.issue_cert("127.0.0.1", "localhost"))
    with ended(node):
        yield node


async def test_tls_with_an_own_authority(server: Node, authority_file: Path) -> None:
    for host in ("127.0.0.1", "localhost"):
        await check_both(f"rediss://{host}:{server.port}?ssl_ca_certs={authority_file}")


async def refused(url: str, caplog: pytest.LogCaptureFixture) -> str:
    """Returns the log of a connection that is refused."""
    connection = RedisConnection(RedisOptions(url, 30.0))
    try:
        with pytest.raises(StorageError, match="cannot be reached"):
            await connection.check()
    finally:
        await connection.aclose()
    return caplog.text


async def test_tls_of_an_unknown_authority_is_refused(
    server: Node, caplog: pytest.LogCaptureFixture
) -> None:
    assert "certificate" in await refused(f"rediss://127.0.0.1:{server.port}", caplog)


@pytest.mark.parametrize("fault", ["wrong host", "expired"])
async def test_a_wrong_certificate_is_refused(
    fault: str,
    tmp_path: Path,
    authority: trustme.CA,
    authority_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    certificate = authority.issue_cert("elsewhere.example")
    if fault == "expired":
        past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        certificate = authority.issue_cert("127.0.0.1", not_after=past)
    node = encrypted(tmp_path / "server", certificate)
    with ended(node):
        url = f"rediss://127.0.0.1:{node.port}?ssl_ca_certs={authority_file}"
        assert "certificate" in await refused(url, caplog)


async def test_a_certificate_of_the_gateway(
    tmp_path: Path, authority: trustme.CA, authority_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own.pem"
    authority.issue_cert("gateway.example").private_key_and_cert_chain_pem.write_to_path(str(own))
    node = encrypted(
        tmp_path / "server", authority.issue_cert("127.0.0.1"), authority=authority_file
    )
    with ended(node):
        url = f"rediss://127.0.0.1:{node.port}?ssl_ca_certs={authority_file}"
        await check_both(f"{url}&ssl_certfile={own}&ssl_keyfile={own}")
        await refused(url, caplog)


async def test_a_password_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    node = Node(tmp_path / "node", options={"port": free_port(), "requirepass": "p@ss"})
    with ended(node):
        await check_both(f"redis://:p%40ss@127.0.0.1:{node.port}")
        await check_both(f"redis://default:p%40ss@127.0.0.1:{node.port}/3")
        await refused(f"redis://127.0.0.1:{node.port}", caplog)


async def test_a_failover_of_sentinels_is_followed(tmp_path: Path, store_kind: str) -> None:
    with sentinel(tmp_path, store_kind) as (master, replica, watching):
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{watching.port}/main"
        await check_both(url)
        connection = RedisConnection(RedisOptions(url))
        try:
            await recovered(connection)
            master.end()
            await recovered(connection)
            with replica.client() as client:
                assert client.role()[0] == b"master"
                assert client.get(KEY) == b"there"
        finally:
            await connection.aclose()


async def test_a_server_that_became_a_replica_is_left_without_an_error(
    tmp_path: Path, store_kind: str
) -> None:
    with sentinel(tmp_path, store_kind) as (master, replica, watching):
        connection = RedisConnection(
            RedisOptions(f"redis+sentinel://127.0.0.1:{watching.port}/main", 30.0)
        )
        try:
            assert await works(connection)
            with watching.client() as client:
                client.execute_command("SENTINEL", "FAILOVER", "main")

            def is_promoted() -> bool:
                with replica.client() as client:
                    return bool(client.role()[0] == b"master")

            async with asyncio.timeout(30):
                while not is_promoted():
                    await works(connection)
                    await asyncio.sleep(0.01)
            await recovered(connection)
            assert master.port != replica.port
        finally:
            await connection.aclose()


async def test_sentinels_without_the_service_and_replicas_are_away(
    tmp_path: Path, store_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with sentinel(tmp_path, store_kind) as (_, replica, watching):
        await refused(f"redis+sentinel://127.0.0.1:{watching.port}/other", caplog)
        await refused(f"redis://127.0.0.1:{replica.port}", caplog)
    assert "do not know the service" in caplog.text
    assert "is a replica" in caplog.text


async def test_the_node_of_a_cluster_that_has_the_keys_is_found_and_followed(
    tmp_path: Path, store_kind: str
) -> None:
    with cluster(tmp_path, store_kind) as nodes:
        slot = key_slot(PREFIX.encode())
        owner = slot * 3 // 16384
        for node in nodes:
            await check_both(f"redis+cluster://127.0.0.1:{node.port}")
        url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        connection = RedisConnection(RedisOptions(url, 30.0))
        try:
            assert await works(connection)
            with nodes[owner].client() as source, nodes[owner - 1].client() as target:
                source.flushall()
                for client in (target, source):
                    moved_to = target.execute_command("CLUSTER", "MYID")
                    client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", moved_to)
            assert await works(connection)
            assert await connection.call(lambda client: client.get(KEY)) == b"there"
            with nodes[owner - 1].client() as client:
                assert client.get(KEY) == b"there"
        finally:
            await connection.aclose()
