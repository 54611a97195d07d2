"""Schemas of successful responses."""

from enum import StrEnum

from modegate.domain.answer.events import FinishReason
from modegate.domain.credentials.quota_windows import WindowStatus
from modegate.domain.health import (
    ArchiveState,
    CredentialsCheck,
    CredentialState,
    LedgerState,
    PassthroughState,
    StorageState,
    StoreState,
)
from modegate.domain.routing.capability import Capability
from modegate.entrypoints.http.openapi.schemas.schema import (
    COUNT,
    OPTIONAL_TEXT,
    SESSION_ID,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)

REASONING: Schema = OPTIONAL_TEXT | {
    "description": "The model's reasoning, where the gateway or the upstream shows it."
}
UNIX_SECONDS: Schema = {"type": "integer", "minimum": 0, "description": "Unix seconds."}


def schemas() -> dict[str, Schema]:
    """Returns the schemas by name; answers of an upstream may have additional fields."""
    return {
        "ChatCompletion": object_of(
            id=STRING,
            object={"const": "chat.completion"},
            created=UNIX_SECONDS,
            model=STRING | {"description": "Claude Code: the name that the client sent."},
            choices=list_of(_choice("message", _message())),
            usage=ref("Usage"),
        ),
        "ChatCompletionChunk": object_of(
            id=STRING,
            object={"const": "chat.completion.chunk"},
            created=UNIX_SECONDS,
            model=STRING,
            choices=list_of(_choice("delta", _delta(), may_go_on=True)),
        ),
        "Event": event(),
        "Usage": object_of(
            prompt_tokens=COUNT | {"description": "Includes cached tokens."},
            completion_tokens=COUNT,
            total_tokens=COUNT,
        ),
        "Model": object_of(
            id=STRING,
            object={"const": "model"},
            created=COUNT,
            owned_by=STRING,
            capabilities=list_of({"enum": [str(it) for it in Capability]}),
        ),
        "ModelList": object_of(object={"const": "list"}, data=list_of(ref("Model"))),
        "Session": object_of(
            id=SESSION_ID,
            object={"const": "session"},
            created_at=UNIX_SECONDS,
            last_used_at=UNIX_SECONDS,
            parked={"type": "boolean"},
        ),
        "SessionList": object_of(object={"const": "list"}, data=list_of(ref("Session"))),
        "SessionDeleted": object_of(
            id=SESSION_ID, object={"const": "session.deleted"}, deleted={"const": True}
        ),
        "Health": _health(),
        "QuotaWindows": _quota_windows(),
        "Live": object_of(status={"const": "live"}),
    }


def event() -> Schema:
    """Returns the schema of one server-sent event of an answer."""
    chunk = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"anyOf": [ref("ChatCompletionChunk"), ref("Error")]},
    }
    return object_of(data={"anyOf": [{"const": "[DONE]"}, chunk]}) | {
        "description": (
            "A server-sent event. Its data is a `ChatCompletionChunk`, or `[DONE]` at the end. "
            "Lines that begin with a colon keep the connection alive. A stream that is cut has an "
            "error with the code `stream_error` before `[DONE]`, and no chunk with a finish reason."
        )
    }


def _choice(name: str, said: Schema, *, may_go_on: bool = False) -> Schema:
    reasons = {"enum": [*_values(FinishReason), *([None] if may_go_on else [])]}
    # An upstream may use other reasons, such as tool_calls.
    return object_of(index=COUNT, finish_reason={"anyOf": [reasons, OPTIONAL_TEXT]}, **{name: said})


def _message() -> Schema:
    message = object_of(role={"const": "assistant"}, content=OPTIONAL_TEXT)
    message["properties"]["reasoning_content"] = REASONING
    return message


def _delta() -> Schema:
    return {
        "type": "object",
        "properties": {"role": STRING, "reasoning_content": REASONING, "content": OPTIONAL_TEXT},
    }


def _health() -> Schema:
    checks = object_of(
        claude_cli={"enum": ["ok", "error"]},
        anthropic_key={"enum": _values(CredentialState)},
        openai_passthrough={"enum": _values(PassthroughState)},
        storage={"enum": _values(StorageState)},
        credentials={"enum": _values(CredentialsCheck)},
        ledger={"enum": _values(LedgerState)},
        capacity=object_of(
            active=COUNT, queued=COUNT, warm=COUNT, live=COUNT, parked=COUNT, max=COUNT
        ),
    )
    checks["properties"]["store"] = {"enum": _values(StoreState)}
    checks["properties"]["gateways"] = COUNT
    checks["properties"]["transcripts"] = {"enum": _values(ArchiveState)}
    checks["properties"]["claude_windows"] = ref("QuotaWindows")
    status = {"enum": ["ready", "unavailable", "draining"]}
    return object_of(status=status, version=STRING, checks=checks)


def _quota_windows() -> Schema:
    statuses = _values(WindowStatus)
    time: Schema = {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "Unix seconds; null if unknown.",
    }
    ratio: Schema = {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "1 at the limit, and possibly more; null if unknown.",
    }
    window = object_of(
        name=STRING, status={"enum": [*statuses, None]}, used_ratio=ratio, resets_at=time
    )
    windows = object_of(
        status={"enum": statuses, "description": "Whether turns are served."},
        binding=OPTIONAL_TEXT | {"description": "The window that decides it; null if unknown."},
        resets_at=time,
        windows=list_of(window),
    )
    return windows | {
        "description": (
            "The quota windows of the account that Claude Code is logged in to, such as `five_hour` "
            "and `seven_day`. Absent with a key, and before the first turn."
        )
    }


def _values(kind: type[StrEnum]) -> list[str]:
    return [str(member) for member in kind]
