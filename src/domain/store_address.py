"""The address of a store that several gateways share, as one setting names it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

from modegate.lazy_dataclass import dataclass

STORE_PORT = 6379
SENTINEL_PORT = 26379
HIGHEST_PORT = 65535
FORM = re.compile(
    r"(?P<scheme>rediss?)(?:\+(?P<kind>sentinel|cluster))?://"
    r"(?:(?P<user>[^@/?#]*)@)?(?P<nodes>[^@/?#]+)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE,
)
NODE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(?::(?P<port>[0-9]{1,5}))?")
CERTIFICATES = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
SENTINEL_LOGIN = frozenset({"sentinel_username", "sentinel_password"})


class Topology(StrEnum):
    """What the hosts of an address are: one server, the sentinels of one, or nodes of a cluster."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Node:
    """A host and its port; an IPv6 address has no brackets."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """The parts of an address. `service` is the name under which sentinels know the server.

    `options` are paths of certificates, and the login of the sentinels.
    """

    topology: Topology
    nodes: Sequence[Node]
    is_encrypted: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    service: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __str__(self) -> str:
        """Returns the address without a login, for messages."""
        kind = "" if self.topology is Topology.SINGLE else f"+{self.topology}"
        hosts = ",".join(_written(node) for node in self.nodes)
        path = f"/{self.service}" if self.service else ""
        return f"redis{'s' if self.is_encrypted else ''}{kind}://{hosts}{path}"


def parse_store_address(text: str) -> StoreAddress:
    """Returns the parts of `redis://`, `redis+sentinel://` or `redis+cluster://`, or with `rediss`.

    Raises:
        ValueError: the address is wrong; the message does not repeat it, for it may have a password.
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise ValueError("must be like redis://user:password@host:6379/0")
    topology = Topology((found["kind"] or Topology.SINGLE).lower())
    is_encrypted = found["scheme"].lower() == "rediss"
    username, _, password = (found["user"] or "").partition(":")
    service, database = _service_and_database(topology, (found["path"] or "").strip("/"))
    nodes = _nodes(found["nodes"], SENTINEL_PORT if topology is Topology.SENTINEL else STORE_PORT)
    if topology is Topology.SINGLE and len(nodes) > 1:
        raise ValueError("has several hosts: write redis+sentinel:// or redis+cluster://")
    return StoreAddress(
        topology=topology,
        nodes=nodes,
        is_encrypted=is_encrypted,
        username=unquote(username) or None,
        password=unquote(password) or None,
        database=database,
        service=service,
        options=_options(found["query"] or "", topology, is_encrypted=is_encrypted),
    )


def _written(node: Node) -> str:
    host = f"[{node.host}]" if ":" in node.host else node.host
    return f"{host}:{node.port}"


def _nodes(text: str, default_port: int) -> tuple[Node, ...]:
    nodes = []
    for part in text.split(","):
        found = NODE.fullmatch(part)
        port = int(found["port"] or default_port) if found else 0
        if found is None or not 0 < port <= HIGHEST_PORT:
            raise ValueError("has a host that is not like name:6379")
        nodes.append(Node(unquote(found["host"].strip("[]")), port))
    return tuple(nodes)


def _service_and_database(topology: Topology, path: str) -> tuple[str, int]:
    service = ""
    if topology is Topology.SENTINEL:
        service, _, path = path.partition("/")
        if not service:
            raise ValueError("must name the service, like redis+sentinel://host:26379/mymaster")
    if path and not (path.isascii() and path.isdigit()):
        raise ValueError("must end with the number of a database, like /0")
    database = int(path or 0)
    if database and topology is Topology.CLUSTER:
        raise ValueError("must not name a database: a cluster has only database 0")
    return unquote(service), database


def _options(query: str, topology: Topology, *, is_encrypted: bool) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = (CERTIFICATES if is_encrypted else frozenset()) | (
        SENTINEL_LOGIN if topology is Topology.SENTINEL else frozenset()
    )
    for name in options:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ValueError(f"has an option that is not known here; known are: {listed}")
    return MappingProxyType(options)
