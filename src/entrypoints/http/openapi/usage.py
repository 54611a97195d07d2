"""Describes `GET /v1/usage`, and what it has in common with the admin API."""

from collections.abc import Sequence

from modegate.dialects.usage.sums import usage_object
from modegate.domain import errors
from modegate.domain.errors.catalogue.usage import FROM, GROUP_BY, TIMES, TO
from modegate.domain.usage.query import (
    CLIENT_FILTERS,
    CLIENT_GROUPS,
    DAY_MS,
    Group,
    UsageQuery,
)
from modegate.domain.usage.sums import Sums, UsageGroup
from modegate.entrypoints.http.openapi.error_sets import ADMISSION
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import (
    COUNT,
    OPTIONAL_TEXT,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)
from modegate.entrypoints.http.resources.usage_parameters import (
    DATE,
    FORMATS,
    LONGEST_VALUE,
    RFC_3339,
    UNIX,
)

REFUSED = (errors.InvalidRequestError, errors.StorageError)
SECONDS: Schema = {"type": "number", "minimum": 0}
USD: Schema = {"type": ["number", "null"], "minimum": 0, "description": "null if unknown."}
VALUE: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}
TIME: Schema = {
    "type": "string",
    "pattern": f"^(?:{UNIX.pattern}|{DATE.pattern}|{RFC_3339.pattern})$",
}
EXAMPLE_DAY = 20_454  # 2026-01-01
EXAMPLE = UsageQuery(
    start_ms=EXAMPLE_DAY * DAY_MS,
    end_ms=(EXAMPLE_DAY + 1) * DAY_MS,
    groups=(Group.MODEL, Group.DAY),
)
EXAMPLE_SUMS = [
    UsageGroup(("gpt-4o", EXAMPLE_DAY), Sums(3, 1, 30, 8, 0, 21, 0, 1_200_000, 3, 0, 0)),
]


def own_usage(security: list[Schema]) -> Schema:
    """Describes `GET /v1/usage`."""
    return {
        "operationId": "getOwnUsage",
        "tags": ["Usage"],
        "summary": "Sum up your usage",
        "description": "Sums over the requests of the client's key that reached a backend.",
        "security": security,
        "parameters": usage_parameters(CLIENT_GROUPS, CLIENT_FILTERS),
        "responses": {"200": usage_answer(), **refusals((*ADMISSION, *REFUSED))},
    }


def usage_answer() -> Schema:
    """Describes the sums, as JSON and as CSV."""
    content = json_of("UsageList", usage=usage_object(EXAMPLE, EXAMPLE_SUMS))
    content["text/csv"] = {"schema": STRING}
    return answer("The sums, sorted by their groups.", content)


def schemas() -> Schema:
    """Returns the schemas of sums and of requests."""
    sums = object_of(
        requests=COUNT,
        errors=COUNT | {"description": "Requests with a status from 400, or a cut answer."},
        prompt_tokens=COUNT,
        cached_tokens=COUNT,
        cache_write_tokens=COUNT,
        completion_tokens=COUNT,
        reasoning_tokens=COUNT,
        total_tokens=COUNT | {"description": "Prompt and completion tokens."},
        cost_usd=USD,
        unpriced_requests=COUNT | {"description": "Requests of unknown price."},
        estimated_requests=COUNT,
    )
    sums["properties"] |= {str(group): OPTIONAL_TEXT for group in Group}
    return {
        "UsageSums": sums | {"description": "Also has a field for each group."},
        "UsageList": object_of(
            **{"object": {"const": "list"}, FROM: SECONDS, TO: SECONDS},
            group_by=list_of({"enum": [str(it) for it in Group]}),
            data=list_of(ref("UsageSums")),
        ),
    }


def usage_parameters(groups: Sequence[Group], filters: Sequence[Group]) -> list[Schema]:
    """Returns the parameters of a query with these groups and filters."""
    names = "|".join(groups)
    several = {"type": "string", "pattern": f"^(?:{names})(?:,(?:{names}))*$"}
    return [
        parameter(FROM, f"The beginning: {TIMES}. By default 30 days before the end.", TIME),
        parameter(TO, "The end, which does not count; by default now.", TIME),
        parameter(GROUP_BY, "One or several groups, each once.", several),
        parameter("format", "The form of the answer.", {"enum": list(FORMATS)}),
        *(parameter(it, f"Only requests with this {it}.", VALUE) for it in filters),
        REQUEST_ID,
    ]


def parameter(name: str, description: str, schema: Schema) -> Schema:
    """Returns an optional parameter of the query."""
    return {"name": str(name), "in": "query", "description": description, "schema": schema}
