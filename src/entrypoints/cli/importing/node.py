"""A value of a parsed file with its place, so that reports name where it stands."""

from collections.abc import Iterator
from typing import Self

from modegate.entrypoints.config.upstreams.places import Place, written
from modegate.lazy_dataclass import dataclass

# Values that change nothing, so that nothing is lost without them.
WITHOUT_EFFECT: tuple[object, ...] = (None, False, "", [], {})


@dataclass(frozen=True, slots=True)
class Node:
    """A value of any kind; a missing one is None. It may be secret, so it has no `repr`."""

    value: object
    place: Place = ()

    def __repr__(self) -> str:
        return f"Node({self.where})"

    @property
    def where(self) -> str:
        """The place as text, such as `model_list, entry 1, model_name`."""
        return written(self.place).removeprefix(", ")

    @property
    def has_effect(self) -> bool:
        """Whether something is lost without the value."""
        return self.value not in WITHOUT_EFFECT

    def get(self, *names: str) -> Self:
        """Returns the value of a key; with several names, the first that is there."""
        table = self.value if isinstance(self.value, dict) else {}
        name = next((it for it in names if table.get(it) is not None), names[0])
        return type(self)(table.get(name), (*self.place, name))

    def items(self) -> Iterator[tuple[str, Self]]:
        """Yields the keys of a table with their values."""
        if isinstance(self.value, dict):
            for name, value in self.value.items():
                yield str(name), type(self)(value, (*self.place, str(name)))

    def rows(self) -> Iterator[Self]:
        """Yields the entries of a list."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield type(self)(value, (*self.place, index))

    def text(self) -> str | None:
        """Returns a text without blanks around it; None for another kind, and for nothing."""
        return self.value.strip() or None if isinstance(self.value, str) else None

    def number(self) -> float | None:
        """Returns a number, also one in quotes."""
        try:
            return None if isinstance(self.value, bool) else float(self.value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
