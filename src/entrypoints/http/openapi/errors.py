"""The error codes, with a sample of each from the catalogue."""

import inspect
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from modegate.domain.budgets.account import GATEWAY, Account, Balance, Unit
from modegate.domain.budgets.window import Period, Window
from modegate.domain.conversation.conversation import MAX_MESSAGES
from modegate.domain.errors import GatewayError, Remedy
from modegate.domain.errors.catalogue import (
    access,
    batches,
    budgets,
    claude_code,
    configuration,
    credentials,
    dialects,
    keys,
    limits,
    messages,
    parameters,
    routing,
    sessions,
    storage,
    upstream,
)
from modegate.domain.quota import Limit, Quota
from modegate.domain.routing.mode import Mode
from modegate.domain.routing.model_map import DEFAULT_NAME, ModelMap
from modegate.entrypoints.http.messages.errors import (
    FRAMEWORK,
    STATUSES,
    framework_error,
    render_error,
    status_of,
)
from modegate.entrypoints.http.messages.request_body import MIB, not_json, too_large
from modegate.entrypoints.http.openapi.schemas.schema import EXAMPLE_SESSION, Schema

Kind = type[GatewayError]

SAMPLE_LIMIT = Limit("address", 60, 60)
SAMPLE_QUOTA = Quota(60, 0, 0)
SAMPLE_ANSWER_BYTES = 10_000_000
SAMPLE_TIMEOUT_S = 300
SAMPLE_BALANCE = Balance(
    Account(GATEWAY, Unit.TOKENS, Period.MONTH), Window(1_793_491_200, 1_796_083_200), 1000, 990
)


def samples(models: ModelMap, max_body: int = MIB) -> Iterable[GatewayError]:
    """Yields one error for each code."""
    yield messages.no_list(MAX_MESSAGES)
    yield messages.missing()
    yield parameters.unsupported("logprobs")
    yield parameters.unknown_model((*models.rows, DEFAULT_NAME))
    yield parameters.invalid_mode()
    yield routing.lacks_capability("image", ("text",))
    yield routing.no_such_endpoint()
    yield routing.shared_key()
    yield routing.websocket()
    yield credentials.all_cooling(SAMPLE_LIMIT.seconds)
    yield credentials.unknown()
    yield keys.unknown()
    yield keys.of_settings("environment")
    yield batches.unknown_file()
    yield batches.ended("completed")
    yield dialects.unknown_previous()
    yield access.model_not_allowed(("sonnet", "gpt-4o*"))
    yield access.mode_not_allowed(Mode.PASSTHROUGH, (Mode.CLAUDE_CODE,), Remedy.USE_CLAUDE_CODE)
    yield too_large(max_body)
    yield not_json()
    yield access.missing_key()
    yield access.unknown_key("sk-****")
    yield sessions.invalid_id()
    yield sessions.unknown(EXAMPLE_SESSION)
    yield sessions.busy()
    yield limits.shutting_down()
    yield limits.too_many_requests(SAMPLE_LIMIT, SAMPLE_LIMIT.seconds, SAMPLE_QUOTA)
    yield budgets.exceeded(SAMPLE_BALANCE, SAMPLE_LIMIT.seconds)
    yield budgets.price_unknown()
    yield limits.no_slot(SAMPLE_LIMIT.seconds)
    yield storage.broken()
    yield configuration.not_reloaded(
        ["port: must be a whole number, 1 to 65535 (from modegate.toml)"]
    )
    yield claude_code.too_long()
    yield claude_code.unavailable()
    yield claude_code.auth_failed()
    yield claude_code.forbidden()
    yield claude_code.rate_limited(None)
    yield claude_code.failed()
    yield claude_code.crashed()
    yield claude_code.answer_too_long(SAMPLE_ANSWER_BYTES)
    yield claude_code.no_text()
    yield claude_code.schema_not_followed()
    yield claude_code.no_call()
    yield claude_code.too_slow(SAMPLE_TIMEOUT_S)
    yield upstream.not_configured()
    yield upstream.disabled()
    yield upstream.unreachable()
    yield upstream.unreadable("a cut body")
    yield upstream.no_completion("a web page")


def examples(models: ModelMap, max_body: int = MIB) -> dict[str, object]:
    """Returns an example error object for every code."""
    of_ours = {it.code: json.loads(render_error(it)[1]) for it in samples(models, max_body)}
    of_the_server = {
        code: json.loads(framework_error(status)) for status, (code, _) in FRAMEWORK.items()
    }
    return of_ours | of_the_server


def codes_by_status(kinds: Iterable[Kind], framework: Iterable[int] = ()) -> dict[int, list[str]]:
    """Returns the error codes by status, in ascending order."""
    found: dict[int, list[str]] = {}
    for kind in kinds:
        found.setdefault(status_of(kind)[0], []).append(kind.code)
    for status in framework:
        found.setdefault(status, []).append(FRAMEWORK[status][0])
    return dict(sorted(found.items()))


def meanings() -> Mapping[str, str]:
    """Returns the meaning of every code, in one sentence."""
    of_ours = {kind.code: inspect.getdoc(kind) or "" for kind in STATUSES}
    return of_ours | {
        code: f"{HTTPStatus(status).phrase}." for status, (code, _) in FRAMEWORK.items()
    }


def schema() -> Schema:
    """Returns the schema of OpenAI's error object, with modegate's types and codes."""
    types = {kind for _, kind in STATUSES.values()}
    codes = {kind.code for kind in STATUSES} | {code for code, _ in FRAMEWORK.values()}
    fields: dict[str, Schema] = {
        "message": {"type": "string", "description": "What was wrong, and what to do."},
        "type": {"enum": sorted(types)},
        "param": {
            "type": ["string", "null"],
            "description": "The invalid field or header, such as `messages[2].content`.",
        },
        "code": {"enum": sorted(codes)},
    }
    error = {
        "type": "object",
        "required": list(fields),
        "properties": fields,
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": error},
        "additionalProperties": False,
    }
