import pytest

from modegate.adapters.claude_cli import failures
from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ContextLengthError,
    GatewayError,
    InvalidRequestError,
    ModelNotFoundError,
    SessionNotFoundError,
)

NOW = 1_894_999_990.0

# What 2.1.329 said when a stand-in for its API answered with each of these.
MEASURED: list[tuple[int | None, str | None, str, type[GatewayError]]] = [
    (400, "unknown", "API Error: 400 simulated 400", InvalidRequestError),
    (400, "invalid_request", "Prompt is too long · the request is ~250000", ContextLengthError),
    (400, "billing_error", "Credit balance is too low", BackendForbiddenError),
    (401, "authentication_failed", "Failed to authenticate. API Error: 401", BackendAuthError),
    (403, "authentication_failed", "Failed to authenticate. API Error: 403", BackendForbiddenError),
    (404, "model_not_found", "There's an issue with the selected model", ModelNotFoundError),
    (413, "invalid_request", "Request too large (max 32MB).", ContextLengthError),
    (422, "unknown", "API Error: 422", InvalidRequestError),
    (429, "rate_limit", "API Error: Request rejected (429)", BackendRateLimitedError),
    (500, "server_error", "API Error: 500", BackendFailedError),
    (529, "server_error", "API Error: 529", BackendFailedError),
    (None, "server_error", "API Error: Connection dropped (ECONNRESET).", BackendFailedError),
    (None, None, "Not logged in · Please run /login", BackendAuthError),
    (None, None, "Invalid API key · Fix external API key", BackendAuthError),
    (None, "authentication_failed", "who knows", BackendAuthError),
    (None, None, "Claude AI usage limit reached|1895000000", BackendRateLimitedError),
    (None, None, "You've hit your session limit · resets 3pm", BackendRateLimitedError),
    (None, None, "", BackendFailedError),
]


@pytest.mark.parametrize(("status", "name", "text", "error"), MEASURED)
def test_results(
    status: int | None, name: str | None, text: str, error: type[GatewayError]
) -> None:
    result = {"api_error_status": status, "result": text}
    told = failures.from_result(result, name, None, NOW)
    assert type(told) is error
    assert not text or text not in told.message


def test_a_lost_conversation() -> None:
    result = {"errors": ["No conversation found with session ID: x"], "api_error_status": None}
    assert isinstance(failures.from_result(result, None, None, NOW), SessionNotFoundError)


def test_retry_after_is_told_where_it_is_known() -> None:
    assert failures.from_result({"api_error_status": 429}, None, 3.5, NOW).retry_after == 3.5


@pytest.mark.parametrize(
    ("status", "stderr", "error"),
    [
        (127, "env: node: No such file or directory", BackendUnavailableError),
        (126, "", BackendUnavailableError),
        (1, "No conversation found with session ID: x", SessionNotFoundError),
        (1, "Invalid API key · Please run /login", BackendAuthError),
        (1, "at authentication (/srv/x.js:1)\nTypeError: authentication", BackendCrashedError),
        (0, "", BackendCrashedError),
        (-9, "", BackendCrashedError),
        (None, "", BackendCrashedError),
    ],
)
def test_ends_without_a_result(status: int | None, stderr: str, error: type[GatewayError]) -> None:
    assert type(failures.from_exit(status, stderr)) is error


def test_the_end_of_a_usage_limit_is_told() -> None:
    result = {"result": "Claude AI usage limit reached|1895000000", "api_error_status": None}
    assert failures.from_result(result, None, None, NOW).retry_after == 10.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Invalid API key · Please run /login", True),
        ("Error: authentication module\n    at login.js:3", False),
        ("", False),
    ],
)
def test_plain_words(words: str, told: bool) -> None:
    assert isinstance(failures.from_words(words), BackendAuthError) is told
