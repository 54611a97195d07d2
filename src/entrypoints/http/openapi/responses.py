"""Describes responses with their headers, bodies and examples."""

from collections.abc import Iterable, Mapping

from modegate.entrypoints.http.openapi.error_sets import ANYWHERE, CLOSING
from modegate.entrypoints.http.openapi.errors import Kind, codes_by_status
from modegate.entrypoints.http.openapi.headers import ALWAYS, OF_REFUSALS, WAIT, WITH_STATUS
from modegate.entrypoints.http.openapi.schemas.schema import Schema, ref

JSON = "application/json"
TOO_SLOW, TOO_LARGE_A_HEAD = 408, 431
ON_THE_WIRE = (TOO_SLOW, TOO_LARGE_A_HEAD)
OURS = ref("Error")
OURS_OR_THE_UPSTREAMS: Schema = {"anyOf": [OURS, ref("UpstreamError")]}


SERVER_ERRORS = 500
HANDED_ON = "Passthrough: any other answer of the upstream, relayed unchanged, including errors."


def answer(
    description: str,
    content: Mapping[str, Schema],
    *,
    status: int = 200,
    headers: Mapping[str, Schema] | None = None,
) -> Schema:
    """Describes a response with a body."""
    named = (*ALWAYS, *(headers or ()), *WITH_STATUS.get(status, ()))
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in named},
        "content": dict(content),
    }


def json_of(schema: str, **examples: object) -> dict[str, Schema]:
    """Returns JSON content with a named schema and named examples."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {JSON: {"schema": ref(schema), **({"examples": named} if named else {})}}


def refusals(
    kinds: Iterable[Kind],
    schema: Schema = OURS,
    *,
    headers: Mapping[str, Schema] | None = None,
    always_open: bool = False,
) -> dict[str, Schema]:
    """Describes one response per status, with all of its errors."""
    closing = () if always_open else CLOSING
    found = codes_by_status(dict.fromkeys((*kinds, *ANYWHERE, *closing)), ON_THE_WIRE)
    return {
        str(status): refusal(status, codes, schema, headers=headers)
        for status, codes in found.items()
    }


def refusal(
    status: int,
    codes: Iterable[str],
    schema: Schema = OURS,
    *,
    headers: Mapping[str, Schema] | None = None,
) -> Schema:
    """Describes the response for the errors of one status."""
    shown = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    content = {JSON: {"schema": schema, "examples": shown}}
    listed = ", ".join(f"`{code}`" for code in shown)
    told = answer(f"{listed}.", content, status=status, headers={**(headers or {}), **OF_REFUSALS})
    if status >= SERVER_ERRORS:
        told["headers"]["Retry-After"] = WAIT
    return told
