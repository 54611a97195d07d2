"""`POST /v1/messages` and `POST /v1/messages/count_tokens`."""

from collections.abc import Iterable, Mapping

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.messages.errors import BY_CODE, BY_STATUS, status_and_type
from modegate.domain import errors
from modegate.entrypoints.http.messages.errors import status_of
from modegate.entrypoints.http.openapi.error_sets import (
    ADMISSION,
    ANYWHERE,
    BODY,
    BUDGET,
    CLAUDE_CODE,
    CLOSING,
    KEY_RULES,
    PASSTHROUGH,
    SESSION,
)
from modegate.entrypoints.http.openapi.errors import Kind
from modegate.entrypoints.http.openapi.headers import (
    ANSWERED,
    BETA,
    OF_MESSAGES,
    OF_REFUSALS,
    SENT,
    VERSION,
    WAIT,
)
from modegate.entrypoints.http.openapi.responses import JSON, SERVER_ERRORS, answer, json_of
from modegate.entrypoints.http.openapi.schemas.schema import COUNT, Schema, object_of, ref

STREAM = "text/event-stream"
ON_THE_WIRE = (408, 431)
REFUSED: tuple[Kind, ...] = (
    errors.InvalidHeaderError,
    errors.UnsupportedEndpointError,
    *ADMISSION,
    *KEY_RULES,
    *BODY,
    *ANYWHERE,
    *CLOSING,
)
ANSWERING: tuple[Kind, ...] = (*REFUSED, *BUDGET, *SESSION, *CLAUDE_CODE, *PASSTHROUGH)
COUNTING: tuple[Kind, ...] = (
    *REFUSED,
    errors.MissingParameterError,
    errors.UnsupportedParameterError,
    errors.ModelNotFoundError,
    errors.StorageError,
    *PASSTHROUGH,
)
STOP_REASONS = (
    *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
    "model_context_window_exceeded",
)
HEADERS = {**ANSWERED, **OF_MESSAGES}
RELAYED = (
    "In passthrough, an upstream of the kind `anthropic` gets the body as it came, with "
    "`anthropic-version` and `anthropic-beta`; its answer is handed on as it comes."
)
REQUEST = {"model": "sonnet", "messages": [{"role": "user", "content": "What is a gateway?"}]}


def paths(max_body: int, security: list[Schema]) -> Mapping[str, Schema]:
    """Describes both paths; `max_body` is in bytes."""
    return {
        "/v1/messages": {"post": _messages(max_body, security)},
        "/v1/messages/count_tokens": {"post": _count(max_body, security)},
    }


def schemas() -> dict[str, Schema]:
    """Returns the schemas of requests, answers and errors."""
    request: Schema = {
        "type": "object",
        "required": ["model", "messages"],
        "description": "As Anthropic's API describes it; unknown fields have no effect.",
        "properties": {
            "model": {"type": "string", "minLength": 1},
            "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            "max_tokens": {"type": "integer", "minimum": 1},
            "stream": {"type": "boolean"},
        },
    }
    kinds = {kind for _, kind in BY_CODE.values()} | set(BY_STATUS.values())
    error = object_of(
        type={"enum": sorted(kinds | {"api_error", "invalid_request_error"})},
        message={"type": "string"},
    )
    content: Schema = {"type": "array", "items": object_of(type={"type": "string"})}
    return {
        "MessageRequest": request,
        "Message": object_of(
            id={"type": "string"},
            type={"const": "message"},
            role={"const": "assistant"},
            model={"type": "string"},
            content=content,
            stop_reason={"enum": list(STOP_REASONS)},
            stop_sequence={"type": ["string", "null"]},
            usage=object_of(input_tokens=COUNT, output_tokens=COUNT),
        ),
        "TokenCount": object_of(input_tokens=COUNT),
        "MessagesError": object_of(type={"const": "error"}, error=error)
        | {"description": "Anthropic's error object, with `request_id`."},
    }


def _messages(max_body: int, security: list[Schema]) -> Schema:
    streamed = {STREAM: {"schema": {"type": "string"}}}
    told = answer(
        "The message: complete or, with `stream`, as the events of Anthropic's API.",
        {JSON: {"schema": ref("Message")}, **streamed},
        headers=HEADERS,
    )
    described = f"`max_tokens` is required. {RELAYED}"
    return _operation("createMessage", "Answer with a message", described, max_body, security) | {
        "responses": {"200": told, **_refusals(ANSWERING)}
    }


def _count(max_body: int, security: list[Schema]) -> Schema:
    told = answer(
        "The tokens of the request: an estimate, or the upstream's own count.",
        json_of("TokenCount"),
        headers=HEADERS,
    )
    described = f"The CLI cannot count, so the size of the body does. {RELAYED}"
    return _operation("countTokens", "Estimate tokens", described, max_body, security) | {
        "responses": {"200": told, **_refusals(COUNTING)}
    }


def _operation(
    name: str, summary: str, description: str, max_body: int, security: list[Schema]
) -> Schema:
    names = ("X-Claude-Code", "X-Claude-Session-ID", "X-OpenAI-API-Key", "X-Request-ID")
    return {
        "operationId": name,
        "tags": ["Messages"],
        "summary": summary,
        "description": description,
        "security": security,
        "parameters": [*(SENT[it] for it in names), VERSION, BETA],
        "requestBody": {
            "required": True,
            "description": f"At most {max_body} bytes, in UTF-8, uncompressed.",
            "content": {
                JSON: {
                    "schema": ref("MessageRequest"),
                    "examples": {"request": {"value": REQUEST | {"max_tokens": 1024}}},
                }
            },
        },
    }


def _refusals(kinds: Iterable[Kind]) -> dict[str, Schema]:
    found: dict[int, set[str]] = {}
    for kind in kinds:
        status, name = status_of(kind)
        facts = ErrorFacts(status=status, kind=name, code=kind.code, message="")
        shown, told = status_and_type(facts)
        found.setdefault(shown, set()).add(told)
    for status in ON_THE_WIRE:
        found.setdefault(status, set()).add("invalid_request_error")
    return {str(status): _refusal(status, found[status]) for status in sorted(found)}


def _refusal(status: int, kinds: Iterable[str]) -> Schema:
    content = {JSON: {"schema": ref("MessagesError")}}
    listed = ", ".join(f"`{it}`" for it in sorted(kinds))
    told = answer(f"{listed}.", content, status=status, headers={**HEADERS, **OF_REFUSALS})
    if status >= SERVER_ERRORS:
        told["headers"]["Retry-After"] = WAIT
    return told
