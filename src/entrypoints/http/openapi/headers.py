"""Describes request and response headers."""

from collections.abc import Mapping

from modegate.domain.access.api_key import LONGEST_KEY
from modegate.domain.routing.hints import MARKERS
from modegate.domain.routing.mode import FALSY, MODEL_PREFIX, TRUTHY, Mode
from modegate.domain.session import UUID_VERSION
from modegate.entrypoints.http.middleware.response_headers import (
    LONGEST_ID,
    SECURITY_HEADERS,
    STREAM_HEADERS,
)
from modegate.entrypoints.http.openapi.schemas.schema import COUNT, SESSION_ID, STRING, Schema

VISIBLE = "^[!-~]+$"
NO_CACHE, NO_CACHE_OF_EVENTS = SECURITY_HEADERS["Cache-Control"], STREAM_HEADERS["Cache-Control"]
TRUE: Schema = {"const": "true"}


def _sent(name: str, description: str, schema: Schema, example: object = None) -> Schema:
    shown = {} if example is None else {"example": example}
    return {"name": name, "in": "header", "description": description, "schema": schema, **shown}


SENT: Mapping[str, Schema] = {
    header["name"]: header
    for header in (
        _sent(
            "X-Claude-Code",
            f"The backend: {', '.join(sorted(TRUTHY))} for Claude Code, {', '.join(sorted(FALSY))} "
            "for the upstream. Without it, Claude Code answers if `X-Claude-Session-ID` is present. "
            f"Without both, a model named `{MODEL_PREFIX}…` is Claude Code's; for others the "
            "defaults of the client's key, of the dialect and of the gateway count, in this order. "
            "Case and surrounding spaces are ignored; any other value is rejected.",
            {"enum": sorted(TRUTHY | FALSY)},
            "true",
        ),
        _sent(
            "X-Claude-Session-ID",
            f"The session to continue: a version {UUID_VERSION} UUID from the header of an earlier "
            "answer. Without it, `X-Claude-Code: true` starts a new session.",
            SESSION_ID,
        ),
        _sent(
            "X-OpenAI-API-Key",
            "Passthrough: the client's own key for the upstream, if the server allows it. It is "
            "never logged.",
            {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": VISIBLE},
        ),
        _sent(
            "X-Request-ID",
            f"The client's id for the request, 1 to {LONGEST_ID} visible ASCII characters, which "
            "is returned. Otherwise, the gateway generates an id.",
            STRING,
        ),
    )
}

REQUEST_ID = SENT["X-Request-ID"]
# Of Anthropic's API.
VERSION = _sent(
    "anthropic-version",
    "The version of Anthropic's API. An upstream of the kind `anthropic` gets it, or "
    "`2023-06-01` without it; with it, `/v1/models` has Anthropic's form.",
    STRING,
    "2023-06-01",
)
BETA = _sent(
    "anthropic-beta",
    "Beta features of Anthropic's API, separated by commas: for an upstream of the kind "
    "`anthropic`; other backends ignore them.",
    STRING,
)


def _received(description: str, schema: Schema, *, always: bool = False) -> Schema:
    return {"description": description, "required": always, "schema": schema}


ALWAYS: Mapping[str, Schema] = {
    "X-Request-ID": _received(
        "The request's id: the client's own, or a UUID.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
        always=True,
    ),
    "X-RateLimit-Limit": _received(
        "The number of requests that the strictest limit allows in its window.", COUNT, always=True
    ),
    "X-RateLimit-Remaining": _received("The number of remaining requests.", COUNT, always=True),
    "X-RateLimit-Reset": _received(
        "The time when the limit is fully available again, in Unix seconds.", COUNT, always=True
    ),
    **{
        name: _received(f"`{value}`: for browsers.", {"const": value}, always=True)
        for name, value in SECURITY_HEADERS.items()
    },
    "Cache-Control": _received(
        f"`{NO_CACHE}`, and for events `{NO_CACHE_OF_EVENTS}`: for browsers and proxies.",
        {"enum": [NO_CACHE, NO_CACHE_OF_EVENTS]},
        always=True,
    ),
}
MODE = _received(
    "The backend. Absent if `X-Claude-Code` is invalid.", {"enum": [str(mode) for mode in Mode]}
)
ANSWERED: Mapping[str, Schema] = {
    "X-Backend-Mode": MODE,
    "X-Claude-Session-ID": _received(
        "Claude Code: the session id; send it back to continue.", SESSION_ID
    ),
    "X-Claude-Session-Created": _received("Claude Code: this request started the session.", TRUE),
    "X-Claude-Ignored-Params": _received(
        "Claude Code: the request's parameters without effect, separated by a comma and a space.",
        {"type": "string"},
    ),
    "X-Modegate-Ignored-Params": _received(
        "A translated request: the parameters that the upstream's API lacks, separated alike.",
        {"type": "string"},
    ),
    "X-Modegate-Ignored-Tools": _received(
        "The request's tools that only the provider's servers run, separated alike.",
        {"type": "string"},
    ),
    "X-Usage-Estimated": _received(
        "The backend did not count the answer's tokens: `usage` is an estimate.", TRUE
    ),
    "X-Budget-Remaining-USD": _received(
        "What is left of the budget of the client's key, in US dollars.", {"type": "string"}
    ),
    "X-Budget-Remaining-Tokens": _received(
        "What is left of the budget of the client's key, in tokens.", COUNT
    ),
    "X-Accel-Buffering": _received(
        "Streams: proxies must not buffer the events.",
        {"const": STREAM_HEADERS["X-Accel-Buffering"]},
    ),
    "X-Upstream-Request-ID": _received("Passthrough: the upstream's id.", {"type": "string"}),
    "X-Modegate-Hint": _received(
        "Passthrough: what an error of the upstream means and what to do, if it is known.",
        {"enum": sorted({marker.hint for marker in MARKERS})},
    ),
    "X-Upstream-RateLimit-Limit": _received(
        "Passthrough: the upstream's own `x-ratelimit-limit`; likewise `-Remaining` and `-Reset`.",
        {"type": "string"},
    ),
}
OF_MESSAGES: Mapping[str, Schema] = {
    "request-id": _received(
        "The upstream's own id of the request, or the same as `X-Request-ID`.", STRING
    ),
}
LISTED: Mapping[str, Schema] = {
    "X-Upstream-Models-Error": _received(
        "The code of the error, if an upstream's models are missing or old.", {"type": "string"}
    ),
}
WITH_STATUS: Mapping[int, Mapping[str, Schema]] = {
    401: {
        "WWW-Authenticate": _received(
            "401: how to send a key. Absent if Claude's key is the invalid one.",
            {"const": "Bearer"},
        )
    },
    405: {"Allow": _received("405: the supported methods.", {"type": "string"}, always=True)},
    429: {"Retry-After": _received("Seconds to wait: with every 429.", COUNT, always=True)},
}
OF_REFUSALS: Mapping[str, Schema] = {
    "X-Should-Retry": _received(
        "`false`: an identical request fails again, at least for the next minute. The OpenAI SDKs "
        "then do not retry.",
        {"const": "false"},
    )
}
WAIT = _received("Seconds to wait, if a retry may succeed.", COUNT)
