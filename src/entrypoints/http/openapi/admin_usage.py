"""Describes `GET /admin/usage` and `GET /admin/requests`."""

from modegate.dialects.usage.rows import row_object
from modegate.domain.errors.catalogue.usage import TIMES
from modegate.domain.request_record import FailedAttempt
from modegate.domain.usage.query import DAY_MS, FILTERS, Group
from modegate.domain.usage.row import UsageRow, first_id
from modegate.entrypoints.http.openapi.admin_operation import ACCESS, operation
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
from modegate.entrypoints.http.openapi.usage import (
    EXAMPLE_DAY,
    REFUSED,
    SECONDS,
    TIME,
    USD,
    VALUE,
    parameter,
    usage_answer,
    usage_parameters,
)
from modegate.entrypoints.http.resources.usage_parameters import DEFAULT_LIMIT, MAX_LIMIT, STATUS

OPTIONAL_SECONDS: Schema = {"type": ["number", "null"], "minimum": 0}
EXAMPLE_ROW = UsageRow(
    id=first_id(EXAMPLE_DAY * DAY_MS) + 7,
    key="env-1",
    model="gpt-4o",
    used_model="gpt-4o-2024-08-06",
    upstream="openai",
    credential="team-b",
    mode="openai-passthrough",
    endpoint="/v1/chat/completions",
    request_id="7f3a9c",
    prompt_tokens=10,
    completion_tokens=7,
    cost_nano_usd=400_000,
    price_version="2025-12",
    seconds=1.25,
    attempts=(FailedAttempt("team-a", "upstream_error", 429, 0.25),),
)


def paths() -> Schema:
    """Returns the paths of usage."""
    return {"/admin/usage": {"get": _usage()}, "/admin/requests": {"get": _requests()}}


def schemas() -> Schema:
    """Returns the schemas of requests."""
    texts = ("key", "mode", "endpoint", "model", "used_model", "upstream", "credential")
    own = ("session", "conversation", "agent", "parent_agent", "subagent")
    attempt = object_of(
        credential=STRING, code=STRING, status={"type": ["integer", "null"]}, seconds=SECONDS
    )
    tokens = ("prompt", "cached", "cache_write", "completion", "reasoning")
    return {
        "Request": object_of(
            id=STRING | {"description": "Unique, unlike `request_id`, which a client may choose."},
            time=SECONDS | {"description": "The end of the request, in Unix seconds."},
            request_id=OPTIONAL_TEXT,
            **dict.fromkeys(texts, OPTIONAL_TEXT),
            status=COUNT,
            error=OPTIONAL_TEXT,
            duration_seconds=SECONDS,
            first_token_seconds=OPTIONAL_SECONDS,
            **{f"{kind}_tokens": COUNT for kind in tokens},
            cost_usd=USD,
            price_version=OPTIONAL_TEXT,
            estimated={"type": "boolean"},
            **dict.fromkeys(own, OPTIONAL_TEXT),
            attempts=list_of(attempt) | {"description": "The failed attempts with credentials."},
        ),
        "RequestList": object_of(object={"const": "list"}, data=list_of(ref("Request"))),
    }


def _usage() -> Schema:
    return operation(
        "getUsage",
        "Sum up the usage",
        "Sums over the requests that reached a backend, from the usage ledger. Whole days in UTC "
        "stay for ever; other times only as long as their requests.",
        {
            "200": usage_answer(),
            **refusals((*ACCESS, *REFUSED), always_open=True),
        },
    ) | {"parameters": usage_parameters(tuple(Group), FILTERS)}


def _requests() -> Schema:
    return operation(
        "listRequests",
        "List the last requests",
        "Those that reached a backend, with their timings, and without their texts.",
        {
            "200": _requests_answer(),
            **refusals((*ACCESS, *REFUSED), always_open=True),
        },
    ) | {"parameters": _request_parameters()}


def _requests_answer() -> Schema:
    """Describes the last requests."""
    listed = {"object": "list", "data": [row_object(EXAMPLE_ROW)]}
    return answer("The requests, the newest first.", json_of("RequestList", requests=listed))


def _request_parameters() -> list[Schema]:
    """Returns the parameters of `GET /admin/requests`."""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return [
        parameter("key", "Only requests with the key of this id.", VALUE),
        parameter(
            "status",
            "A status such as 429, or a class such as 4xx.",
            {"type": "string", "pattern": f"^(?:{STATUS.pattern})$"},
        ),
        parameter("since", f"The earliest end of a request: {TIMES}.", TIME),
        parameter("limit", "The most requests to return.", limit),
        parameter("id", "Only requests with this `X-Request-ID`.", VALUE),
        REQUEST_ID,
    ]
