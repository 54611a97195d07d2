"""What an import carries over, and what it cannot."""

from collections.abc import Mapping
from dataclasses import field

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.node import Node
from modegate.lazy_dataclass import dataclass

Value = str | int | float | bool | tuple[str, ...] | Mapping[str, "Value"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Credential:
    """A key of an upstream, in the variable `key_env`."""

    key_env: str
    weight: int = 1


@dataclass(slots=True)
class Upstream:
    """A table `[upstreams.NAME]`."""

    name: str
    base_url: str
    headers: Headers
    credentials: tuple[Credential, ...]
    strategy: Strategy
    prefix: str | None = None
    models: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that was not carried over: its place, and why."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class ToDo:
    """Something that the operator has to fill in."""

    what: str


@dataclass(slots=True)
class Carried:
    """The result of an import; it has no secret."""

    settings: dict[str, Value] = field(default_factory=dict)
    upstreams: list[Upstream] = field(default_factory=list)
    keys: dict[str, dict[str, Value]] = field(default_factory=dict)
    leftovers: list[Leftover] = field(default_factory=list)
    to_do: list[ToDo] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was carried over."""
        return not (self.settings or self.upstreams or self.keys)

    def leave(self, node: Node, why: str) -> None:
        """Notes what is not carried over, once."""
        leftover = Leftover(node.where or "the file", why)
        if leftover not in self.leftovers:
            self.leftovers.append(leftover)

    def leave_if_used(self, node: Node, why: str) -> None:
        """Notes what is not carried over, unless it has no effect."""
        if node.has_effect:
            self.leave(node, why)

    def ask(self, what: str) -> None:
        """Notes what the operator has to do, once."""
        if ToDo(what) not in self.to_do:
            self.to_do.append(ToDo(what))
