"""Starts sentinels and clusters of Redis, and servers with TLS, for tests."""

import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

from support.redis import REDIS, server_program
from support.serving import free_port, wait

SLOTS = 16384


class Node:
    """One process of a server's program, on loopback. Skips the test where it has no TLS."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        options: Mapping[str, object],
        name: str = REDIS,
    ) -> None:
        program = server_program(name)
        folder.mkdir()
        self.port = int(str(options.get("port") or options["tls-port"]))
        written = {"bind": "127.0.0.1", "dir": folder, "save": '""', "appendonly": "no"} | dict(
            options
        )
        configuration = folder / "node.conf"
        configuration.write_text("".join(f"{name} {value}\n" for name, value in written.items()))
        log = folder / "log"
        with log.open("wb") as output:
            command = [program, str(configuration), *arguments]
            self.process = subprocess.Popen(command, stdout=output)
        wait(lambda: self._listens() or self.process.poll() is not None)
        if self.process.returncode is not None:
            told = log.read_text()
            if "Failed finding TLS support" in told:
                pytest.skip("the program of the store has no TLS")
            raise AssertionError(told)

    def end(self) -> None:
        """Kills the process. Idempotent."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def client(self) -> "redis.Redis":
        """Returns a client of this node."""
        return redis.Redis(port=self.port)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10):
                return True
        except OSError:
            return False


@contextmanager
def ended(*nodes: Node) -> Iterator[None]:
    """Kills the nodes when the context exits."""
    try:
        yield
    finally:
        for node in nodes:
            node.end()


@contextmanager
def sentinel(folder: Path, name: str = REDIS) -> Iterator[tuple[Node, Node, Node]]:
    """Runs a master, a replica of it, and a sentinel that calls them `main`."""
    with ExitStack() as stack:
        master = Node(folder / "master", options={"port": free_port()}, name=name)
        stack.enter_context(ended(master))
        replica = Node(
            folder / "replica",
            options={"port": free_port(), "replicaof": f"127.0.0.1 {master.port}"},
            name=name,
        )
        stack.enter_context(ended(replica))
        watching = Node(
            folder / "sentinel",
            "--sentinel",
            options={
                "port": free_port(),
                "sentinel monitor": f"main 127.0.0.1 {master.port} 1",
                "sentinel down-after-milliseconds": "main 500",
                "sentinel failover-timeout": "main 2000",
            },
            name=name,
        )
        stack.enter_context(ended(watching))
        with watching.client() as client:
            wait(lambda: len(client.execute_command("SENTINEL", "REPLICAS", "main")) == 1)
        with replica.client() as client:
            wait(lambda: client.info("replication")["master_link_status"] == "up")
        yield master, replica, watching


@contextmanager
def cluster(folder: Path, name: str = REDIS) -> Iterator[Sequence[Node]]:
    """Runs three masters that share the slots."""
    with ExitStack() as stack:
        nodes = []
        for at in range(3):
            options = {"port": free_port(), "cluster-enabled": "yes", "cluster-port": free_port()}
            node = Node(folder / f"node{at}", options=options, name=name)
            stack.enter_context(ended(node))
            nodes.append(node)
        for at, node in enumerate(nodes):
            with node.client() as client:
                first, last = at * SLOTS // 3, (at + 1) * SLOTS // 3 - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                bus = client.config_get("cluster-port")["cluster-port"]
                with nodes[0].client() as other:
                    if node is not nodes[0]:
                        other.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        for node in nodes:
            with node.client() as client:
                wait(lambda client=client: b"cluster_state:ok" in raw(client))  # type: ignore[misc]
        yield nodes


def raw(client: "redis.Redis") -> bytes:
    """Returns what a node knows of its cluster."""
    found: object = client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
    if isinstance(found, Mapping):
        return b"".join(f"{name}:{value}\n".encode() for name, value in found.items())
    return found if isinstance(found, bytes) else b""
