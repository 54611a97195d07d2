"""A small document for a JSON Schema, so that a simulated model can answer structured requests."""

from collections.abc import Mapping

WORD = "simulated"
MAX_DEPTH = 32
FORMATS: Mapping[str, str] = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "simulated@example.com",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def sample_of(schema: object, root: object = None, depth: int = 0) -> object:
    """Returns a document that ordinary schemas accept; `root` is where references begin.

    Patterns, `not` and conditions are not considered, and neither is what contradicts itself.
    """
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return {} if schema is not False else None
    values = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
    if values:
        return values[0]
    if isinstance(reference := schema.get("$ref"), str):
        return sample_of(_at(root, reference), root, depth + 1)
    for name in ("anyOf", "oneOf"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            # A choice that ends a recursion often comes last.
            choice = choices[-1] if depth > MAX_DEPTH // 2 else choices[0]
            return sample_of({**_without(schema, name), **_object(choice)}, root, depth + 1)
    if isinstance(parts := schema.get("allOf"), list) and parts:
        return sample_of(_merged(_without(schema, "allOf"), parts, root), root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: Mapping[str, object], root: object, depth: int) -> object:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    match kind:
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            least = _count(schema.get("minItems"))
            return [sample_of(schema.get("items", {}), root, depth + 1) for _ in range(least)]
    properties, required = _object(schema.get("properties")), schema.get("required")
    names = required if isinstance(required, list) else []
    return {name: sample_of(properties.get(name, {}), root, depth + 1) for name in names}


def _text(schema: Mapping[str, object]) -> str:
    text = FORMATS.get(str(schema.get("format")), WORD)
    text = text.ljust(_count(schema.get("minLength")), ".")
    most = schema.get("maxLength")
    return text[:most] if isinstance(most, int) else text


def _number(schema: Mapping[str, object]) -> object:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if isinstance(least, int | float):
        return least
    if isinstance(above, int | float) and not isinstance(above, bool):
        return above + 1
    most = schema.get("maximum")
    return min(1, most) if isinstance(most, int | float) else 1


def _merged(
    schema: Mapping[str, object], parts: list[object], root: object
) -> Mapping[str, object]:
    merged: dict[str, object] = {**schema}
    for part in parts:
        reference = _object(part).get("$ref")
        inner = _object(_at(root, reference) if isinstance(reference, str) else part)
        properties = {**_object(merged.get("properties")), **_object(inner.get("properties"))}
        names = [*_list(merged.get("required")), *_list(inner.get("required"))]
        merged |= inner
        if properties:
            merged["properties"] = properties
        if names:
            merged["required"] = names
    return merged


def _at(root: object, reference: str) -> object:
    found = root
    for part in reference.removeprefix("#").split("/")[1:]:
        found = _object(found).get(part.replace("~1", "/").replace("~0", "~"))
    return found


def _without(schema: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in schema.items() if key != name}


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    return min(value, 100) if isinstance(value, int) else 0
