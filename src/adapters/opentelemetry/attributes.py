"""Names and attributes of spans and metrics, by the semantic conventions for HTTP and for generative AI.

They hold what the request log holds: no text of the client or the model, and no key.
"""

from collections.abc import Mapping

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.domain.routing.mode import Mode

Attributes = dict[str, str | int | float | bool]

FIRST_ERROR, FIRST_SERVER_ERROR = 400, 500
# A client may send a model's name of any length.
MAX_MODEL_LENGTH = 256
OPERATIONS: Mapping[str, str] = {
    "/v1/chat/completions": "chat",
    "/v1/messages": "chat",
    "/v1/responses": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
}
ANTHROPIC = "anthropic"


def request_attributes(record: RequestRecord) -> Attributes:
    """Returns the attributes of the span of a request."""
    return _known(
        {
            "http.request.method": record.method,
            "http.route": record.route,
            "http.response.status_code": record.status,
            "error.type": record.error,
            "modegate.mode": record.mode,
            "modegate.request_id": record.request_id,
            "modegate.key_id": record.key_id,
            "modegate.client_left": record.client_left or None,
        }
    )


def generation_name(record: RequestRecord) -> str:
    """Returns the name of the span of an attempt or a turn, such as `chat gpt-4o`."""
    operation = OPERATIONS.get(record.route or "", "request")
    return operation if record.model is None else f"{operation} {record.model[:MAX_MODEL_LENGTH]}"


def generation_attributes(record: RequestRecord) -> Attributes:
    """Returns the attributes of the span of the last attempt, or of a turn of the CLI."""
    return (
        _of_backend(record)
        | _of_usage(record.usage)
        | _known(
            {
                "gen_ai.response.model": record.used_model,
                "gen_ai.conversation.id": record.session,
                "modegate.credential": record.credential,
                "modegate.cost_usd": record.cost_usd,
                "modegate.first_token_s": record.first_token,
                "error.type": record.error,
            }
        )
    )


def attempt_attributes(record: RequestRecord, attempt: FailedAttempt) -> Attributes:
    """Returns the attributes of the span of an attempt that failed."""
    return _of_backend(record) | _known(
        {
            "modegate.credential": attempt.credential,
            "http.response.status_code": attempt.status,
            "error.type": attempt.code,
        }
    )


def metric_attributes(record: RequestRecord, model: str) -> Attributes:
    """Returns the attributes of all metrics of a request; `model` has few values."""
    return _of_backend(record) | {"gen_ai.request.model": model}


def is_failed(record: RequestRecord) -> bool:
    """Returns whether the server failed: of a client's fault, the span is no error."""
    was_cut = record.error is not None and record.status < FIRST_ERROR
    return was_cut or record.status >= FIRST_SERVER_ERROR


def _of_backend(record: RequestRecord) -> Attributes:
    is_turn = record.mode == Mode.CLAUDE_CODE
    return _known(
        {
            "gen_ai.operation.name": OPERATIONS.get(record.route or ""),
            "gen_ai.provider.name": ANTHROPIC if is_turn else record.upstream,
            "gen_ai.request.model": record.model and record.model[:MAX_MODEL_LENGTH],
        }
    )


def _of_usage(usage: Usage | None) -> Attributes:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "modegate.usage.estimated": usage.estimated,
    }


def _known(attributes: Mapping[str, str | int | float | bool | None]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}
