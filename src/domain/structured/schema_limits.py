"""Limits of a client's JSON Schema, so that to check a document against it is cheap; without I/O."""

from collections.abc import Iterator, Mapping

MAX_DEPTH = 64
# Subschemas that apply to one value of a document. References to references can double with each
# level, and ordinary schemas have some dozens.
MAX_STEPS = 10_000
MAX_CHAIN = 200
LISTS = ("allOf", "anyOf", "oneOf")
SINGLE = ("not", "if", "then", "else")

Schema = Mapping[str, object]


def problem_of(schema: Schema) -> str | None:
    """Returns what exceeds a limit, in words that follow "the schema"; None if nothing does."""
    for value, depth in _values(schema):
        if depth > MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} levels deep"
        reference = value.get("$ref") if isinstance(value, Mapping) else None
        if isinstance(reference, str) and not reference.startswith("#"):
            return "has a $ref outside of itself"
    try:
        _Steps(schema).of(schema, 0)
    except _TooManyStepsError:
        return "combines too many subschemas by reference"
    return None


def _values(schema: Schema) -> Iterator[tuple[object, int]]:
    """Yields all nested values with their depth; a loop, because clients control the depth."""
    waiting: list[tuple[object, int]] = [(schema, 1)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if depth > MAX_DEPTH:
            return
        inner = [*value.values()] if isinstance(value, Mapping) else value
        if isinstance(inner, list):
            waiting.extend((it, depth + 1) for it in inner)


class _TooManyStepsError(Exception):
    """A value would be checked against too many subschemas."""


class _Steps:
    """Counts the subschemas that apply to one value."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._known: dict[str, int] = {}

    def of(self, schema: object, chain: int) -> int:
        """Returns the number of subschemas in `schema`; `chain` counts the levels above it."""
        if chain > MAX_CHAIN:
            raise _TooManyStepsError
        if not isinstance(schema, Mapping):
            return 1
        steps = 1 + sum(self.of(it, chain + 1) for it in _in_place(schema))
        reference = schema.get("$ref")
        if isinstance(reference, str):
            steps += self._of_reference(reference, chain + 1)
        if steps > MAX_STEPS:
            raise _TooManyStepsError
        return steps

    def _of_reference(self, reference: str, chain: int) -> int:
        if reference not in self._known:
            self._known[reference] = 0  # a cycle, which validators detect
            self._known[reference] = self.of(_at(self._root, reference), chain)
        return self._known[reference]


def _in_place(schema: Schema) -> Iterator[object]:
    for name in LISTS:
        listed = schema.get(name)
        yield from listed if isinstance(listed, list) else ()
    yield from (schema[name] for name in SINGLE if name in schema)
    dependent = schema.get("dependentSchemas")
    yield from dependent.values() if isinstance(dependent, Mapping) else ()


def _at(root: Schema, reference: str) -> object:
    """Returns the value at a JSON pointer such as `#/$defs/a`; None if there is none."""
    found: object = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            found = found.get(name) if isinstance(found, Mapping) else None
    return found
