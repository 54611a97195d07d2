"""The catalogue of all errors, as clients get them.

Errors of the domain are raised by calling it. Errors of adapters are repeated here. The error audit
of the test suite compares them with those of a running gateway.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from modegate.application.sessions.registry import not_found
from modegate.domain import errors
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.conversation import Conversation
from modegate.domain.errors import GatewayError
from modegate.domain.param_policy import ParamPolicy
from modegate.domain.routing.mode import decide_mode
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.session import SessionId, parse_session_id
from modegate.entrypoints.http.messages.errors import (
    FRAMEWORK,
    STATUSES,
    framework_error,
    render_error,
    status_of,
)
from modegate.entrypoints.http.messages.request_body import MIB, not_json, too_large
from modegate.entrypoints.http.openapi.headers import EXAMPLE_SESSION
from modegate.entrypoints.http.openapi.schema import Schema

Kind = type[GatewayError]

RING = KeyRing([ApiKey("sk-example")])


def _provoked(act: Callable[[], object]) -> GatewayError:
    try:
        act()
    except GatewayError as error:
        return error
    raise AssertionError(act)


def told_by_the_domain(models: ModelMap, max_body: int = MIB) -> Iterable[GatewayError]:
    """Yields the errors that can be raised without a backend."""
    yield _provoked(lambda: Conversation.parse([]))
    yield _provoked(lambda: Conversation.parse(None))
    yield _provoked(lambda: ParamPolicy().screen({"tools": [{"type": "function"}]}))
    yield _provoked(lambda: models.resolve(""))
    yield _provoked(lambda: decide_mode("perhaps", None))
    yield _provoked(lambda: parse_session_id("mine"))
    yield _provoked(lambda: RING.identify(None))
    yield _provoked(lambda: RING.identify("Bearer another"))
    yield not_found(SessionId(EXAMPLE_SESSION))
    yield too_large(max_body)
    yield not_json()
    yield errors.ShuttingDownError()
    yield errors.SessionBusyError()


TOLD_BY_ADAPTERS = (
    errors.ContextLengthError(
        "The conversation is longer than the model takes: shorten the messages, or begin a new "
        "session.",
        param="messages",
    ),
    errors.RateLimitError(
        "More than 60 requests of this address in 60 s: send them more slowly, and this one "
        "again after Retry-After."
    ),
    errors.CapacityError(
        "All of the server's Claude processes are busy: send the request again later."
    ),
    errors.PassthroughNotConfiguredError(
        "There is no key for the upstream: the operator can set OPENAI_API_KEY, and where the "
        "server allows it a client can send its own in X-OpenAI-API-Key. With X-Claude-Code: true "
        "Claude Code answers instead."
    ),
    errors.PassthroughDisabledError(
        "Passthrough is switched off on this server: send X-Claude-Code: true to be answered by "
        "Claude Code. The operator can set OPENAI_PASSTHROUGH_ENABLED=true."
    ),
    errors.BackendUnavailableError(
        "The claude executable is missing or cannot be started: the operator has to install it, or "
        "set CLAUDE_PATH. With X-Claude-Code: false the request passes through to the upstream."
    ),
    errors.StorageError(
        "The server cannot use what it keeps its sessions in: the operator has to check the folder "
        "MODEGATE_STATE_DIR and its disk."
    ),
    errors.BackendAuthError(
        "Claude refused the server's credentials: the operator has to check ANTHROPIC_API_KEY, or "
        "log in with the claude CLI."
    ),
    errors.BackendForbiddenError(
        "Claude does not allow this to the server's account: the operator has to check its "
        "permissions, its billing and its region."
    ),
    errors.BackendRateLimitedError(
        "The server's Claude account is over its limit: send the request again later."
    ),
    errors.BackendFailedError("Claude failed to answer: send the request again in a moment."),
    errors.BackendCrashedError(
        "Claude Code ended without an answer: send the request again; the server's log says more."
    ),
    errors.OutputLimitError("The answer is longer than 10000000 bytes: ask for a shorter one."),
    errors.EmptyResponseError("Claude answered without a word: rephrase, and send it again."),
    errors.TurnTimeoutError(
        "Claude did not finish within 300 s: ask for less, or try again later."
    ),
    errors.UpstreamUnreachableError(
        "The upstream cannot be reached, or closed the connection without an answer: try again "
        "later; the operator has to check OPENAI_BASE_URL and the network."
    ),
    errors.UpstreamInvalidResponseError(
        "The upstream answered with a web page in place of a chat completion: the operator has to "
        "check where OPENAI_BASE_URL leads.",
        reason="a web page",
    ),
)


def examples(models: ModelMap, max_body: int = MIB) -> dict[str, object]:
    """Returns an example error object for every code."""
    told = (*told_by_the_domain(models, max_body), *TOLD_BY_ADAPTERS)
    of_ours = {error.code: json.loads(render_error(error)[1]) for error in told}
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
