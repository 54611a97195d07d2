"""Builds a table `[keys.NAME]`."""

from datetime import UTC, datetime
from typing import Self

from modegate.application.keys.fields import READERS
from modegate.entrypoints.cli.importing.carried import Carried, Value
from modegate.entrypoints.cli.importing.names import OTHERS, slug
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.variables import Variables
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The fields of a key; values that modegate would reject are left."""

    fields: dict[str, Value]
    carried: Carried

    @classmethod
    def of(cls, name: str, row: Node, carried: Carried, variables: Variables) -> Self:
        """Adds a table whose secret the operator sets."""
        key = slug(name, carried.keys, "key")
        words = OTHERS.sub("_", key).replace(".", "_").upper()
        variable = variables.free(f"{'_' * words[0].isdigit()}{words}_CLIENT_KEY")
        carried.ask(f"set {variable} to the secret of {row.where}, which the file does not have")
        carried.keys[key] = {"key_env": variable}
        return cls(carried.keys[key], carried)

    def carry(self, field: str, node: Node, value: object = None) -> None:
        """Carries over a value if it has an effect; `value` is its form in modegate."""
        if not node.has_effect:
            return
        given = node.value if value is None else value
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        try:
            READERS[field](given)
        except ValueError as error:
            self.carried.leave(node, str(error))
        else:
            self.fields[field] = tuple(given) if isinstance(given, list) else given  # type: ignore[assignment]

    def expires(self, node: Node) -> None:
        """Carries over the end of a key; a time without a zone is UTC."""
        try:
            given = node.value
            time = datetime.fromisoformat(given) if isinstance(given, str) else given
            if not isinstance(time, datetime):
                raise TypeError  # noqa: TRY301 - both are no time
        except (TypeError, ValueError):
            self.carried.leave_if_used(node, "is no time like 2027-01-31T00:00:00Z")
            return
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        self.carry("expires_at", node, aware.isoformat())
