import logging

import pytest

from modegate.adapters.claude_cli.protocol.failures import verdict
from modegate.adapters.claude_cli.protocol.failures.verdict import Reported, finish_reason
from modegate.domain.answer import outcomes
from modegate.domain.answer.events import FinishReason
from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    ContextLengthError,
    EmptyResponseError,
    GatewayError,
    InvalidRequestError,
    ModelNotFoundError,
    SessionNotFoundError,
)

NOW = 1_894_999_990.0
FILTER, LENGTH = FinishReason.CONTENT_FILTER, FinishReason.LENGTH
Event = dict[str, object]

# What 2.1.329 said when a stand-in for its API answered with each of these.
MEASURED: list[tuple[int | None, str | None, str, type[GatewayError]]] = [
    (400, "unknown", "API Error: 400 simulated 400", InvalidRequestError),
    (400, "invalid_request", "Prompt is too long · the request is ~250000", ContextLengthError),
    (400, "billing_error", "Credit balance is too low", BackendForbiddenError),
    (401, "authentication_failed", "Failed to authenticate. API Error: 401", BackendAuthError),
    (402, "unknown", "API Error: 402 pay", BackendForbiddenError),
    (403, "authentication_failed", "Failed to authenticate. API Error: 403", BackendForbiddenError),
    (404, "model_not_found", "There's an issue with the selected model", ModelNotFoundError),
    (413, "invalid_request", "Request too large (max 32MB).", ContextLengthError),
    (418, "unknown", "API Error: 418 odd", InvalidRequestError),
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
    (None, None, "You've hit your team's pooled group budget", BackendRateLimitedError),
    (None, None, "", BackendCrashedError),
    (None, "unknown", "API Error", BackendCrashedError),
    (None, "a_new_name", "API Error", BackendCrashedError),
]


def judged(
    result: Event, name: str | None = None, *, has_text: bool = False
) -> FinishReason | GatewayError:
    reported = Reported()
    reported.note_error({"error": name} if name else {}, NOW)
    return reported.of_result(result, NOW, has_text=has_text)


def failure(result: Event, name: str | None = None) -> GatewayError:
    told = judged(result, name)
    assert isinstance(told, GatewayError)
    return told


@pytest.mark.parametrize(("status", "name", "text", "error"), MEASURED)
def test_results(
    status: int | None, name: str | None, text: str, error: type[GatewayError]
) -> None:
    told = failure({"api_error_status": status, "result": text}, name)
    assert type(told) is error
    assert not text or text not in told.message


@pytest.mark.parametrize(
    ("error_type", "error"),
    [
        ("invalid_request_error", InvalidRequestError),
        ("authentication_error", BackendAuthError),
        ("permission_error", BackendForbiddenError),
        ("not_found_error", ModelNotFoundError),
        ("request_too_large", ContextLengthError),
        ("rate_limit_error", BackendRateLimitedError),
        ("overloaded_error", BackendFailedError),
        ("a_new_type", BackendCrashedError),
    ],
)
def test_an_error_in_mid_stream_has_no_status_but_a_type(
    error_type: str, error: type[GatewayError]
) -> None:
    result: Event = {"api_error_status": None, "api_error_type": error_type, "result": "API Error"}
    assert type(failure(result, "unknown")) is error


def test_a_spending_limit_of_the_account_is_told_with_status_400() -> None:
    said = (
        "API Error: 400 You have reached your specified API usage limits. You will regain access "
    )
    said += "on 2030-01-19 at 00:00 UTC."
    told = failure({"api_error_status": 400, "result": said}, "invalid_request")
    assert isinstance(told, BackendRateLimitedError)
    assert told.retry_after == 1_895_011_200 - NOW


def test_a_lost_conversation() -> None:
    result: Event = {"errors": ["No conversation found with session ID: x"]}
    assert isinstance(failure(result), SessionNotFoundError)


def test_a_refusal_is_no_invalid_request() -> None:
    result: Event = {"is_error": True, "stop_reason": "refusal", "result": "API Error: flagged"}
    assert judged(result, "invalid_request") is FILTER
    blocked: Event = {
        "api_error_status": 400,
        "result": "Output blocked by content filtering policy",
    }
    assert judged(blocked, "unknown") is FILTER


def test_an_output_limit_is_no_failure_where_there_is_text() -> None:
    result: Event = {"subtype": "success", "is_error": True, "api_error": "max_output_tokens"}
    assert judged(result, "max_output_tokens", has_text=True) is LENGTH
    assert isinstance(failure(result, "max_output_tokens"), EmptyResponseError)
    full = {**result, "api_error_params": {"cut": "context_window"}}
    assert judged(full, has_text=True) is LENGTH
    assert isinstance(failure(full), ContextLengthError)


@pytest.mark.parametrize("subtype", ["error_max_turns", "error_max_budget_usd"])
def test_a_bound_of_the_cli_cuts_the_text(subtype: str) -> None:
    assert judged({"subtype": subtype}, has_text=True) is LENGTH
    assert isinstance(failure({"subtype": subtype}), BackendCrashedError)


@pytest.mark.parametrize("subtype", ["success", "error_during_execution", "error_of_tomorrow"])
def test_an_error_without_a_reason_is_internal(subtype: str) -> None:
    assert isinstance(failure({"subtype": subtype, "is_error": True}), BackendCrashedError)


@pytest.mark.parametrize("table", [outcomes.SPECIFIC_ERRORS, outcomes.GENERAL_ERRORS])
def test_every_error_name_of_the_cli_has_an_outcome(table: dict[str, object]) -> None:
    for name in table:
        assert judged({"is_error": True}, name, has_text=True)


@pytest.mark.parametrize("kind", outcomes.ERROR_KINDS)
def test_every_error_kind_of_the_cli_says_whether_repeating_helps(kind: str) -> None:
    told = judged({"is_error": True, "api_error": kind}, has_text=True)
    assert isinstance(told, FinishReason) or told.is_repeatable is not None


def test_an_error_without_an_api_behind_it_is_not_repeated_where_the_operator_has_to_act() -> None:
    told = failure({"is_error": True, "api_error": "tls_untrusted_ca"}, "server_error")
    assert isinstance(told, BackendFailedError)
    assert told.is_repeatable is False


# When to come again.


def test_the_last_delay_of_the_cli_is_told() -> None:
    reported = Reported()
    reported.note_retry({"retry_delay_ms": 3500, "error": "rate_limit"})
    told = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(told, BackendRateLimitedError)
    assert (told.retry_after, told.is_repeatable) == (3.5, True)


def test_a_limit_without_a_time_is_not_worth_repeating_at_once() -> None:
    told = failure({"api_error_status": 429})
    assert (told.retry_after, told.is_repeatable) == (60, False)


def test_a_limit_event_gives_the_time() -> None:
    reported = Reported()
    reported.note_retry({"retry_delay_ms": 500, "error": "rate_limit"})
    reported.note_limit({"status": "rejected", "resetsAt": NOW + 7200}, NOW)
    told = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(told, BackendRateLimitedError)
    assert told.retry_after == 7200


def test_the_error_message_gives_the_time() -> None:
    limit = {"status": "rejected", "resetsAt": NOW + 60}
    reported = Reported()
    reported.note_error(
        {"error": "rate_limit", "api_error_params": {"rate_limit_info": limit}}, NOW
    )
    told = reported.of_result({"is_error": True}, NOW)
    assert isinstance(told, BackendRateLimitedError)
    assert told.retry_after == 60


@pytest.mark.parametrize(
    "info",
    [
        {"status": "allowed_warning", "resetsAt": NOW + 60},
        {"status": "allowed", "resetsAt": NOW + 60},
        {"status": "rejected", "resetsAt": NOW + 60, "isUsingOverage": True},
        {"status": "rejected"},
    ],
)
def test_a_warning_is_no_limit(info: Event) -> None:
    reported = Reported()
    reported.note_limit({"status": "rejected", "resetsAt": NOW + 9}, NOW)
    reported.note_limit(info, NOW)
    told = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(told, BackendRateLimitedError)
    assert told.retry_after == 60


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        ({"resetsAt": NOW + 60, "overageStatus": "rejected", "overageResetsAt": NOW + 30}, 30),
        ({"resetsAt": NOW - 60, "overageResetsAt": NOW + 30}, 30),
        ({"overageResetsAt": NOW + 30, "rateLimitType": "overage"}, 30),
        (
            {
                "unifiedWindows": {
                    "five_hour": {"status": "rejected", "resetsAt": NOW + 20},
                    "seven_day": {"status": "rejected", "resetsAt": NOW + 40},
                    "seven_day_overage_included": {"status": "allowed", "resetsAt": NOW + 90},
                }
            },
            40,
        ),
    ],
)
def test_limits_of_several_windows(info: Event, seconds: float) -> None:
    reported = Reported()
    reported.note_limit({"status": "rejected", **info}, NOW)
    told = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(told, BackendRateLimitedError)
    assert told.retry_after == seconds


def test_the_text_of_a_result_gives_the_time() -> None:
    told = failure({"result": "Claude AI usage limit reached|1895000000"})
    assert told.retry_after == 10.0


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"error_status": 429, "error": "rate_limit"}, BackendRateLimitedError),
        ({"error_status": 529, "error": "overloaded"}, BackendFailedError),
        ({"error_status": 503, "error": "server_error"}, BackendFailedError),
        ({"error_status": None, "error": "unknown"}, BackendFailedError),
        ({"error_status": None, "error": "rate_limit"}, BackendRateLimitedError),
        ({}, BackendFailedError),
    ],
)
def test_a_wait_that_is_too_long_is_told(event: Event, error: type[GatewayError]) -> None:
    event = {**event, "retry_delay_ms": 37_001}
    reported = Reported()
    reported.note_retry(event)
    told = reported.of_retry(event, NOW)
    assert type(told) is error
    assert told.retry_after == 37.001
    assert "38 s" in told.message


# Names.


@pytest.mark.parametrize("name", outcomes.STOP_REASONS)
def test_stop_reasons(name: str) -> None:
    assert finish_reason(name) is outcomes.STOP_REASONS[name]


def test_an_unknown_name_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    verdict.log_unknown.cache_clear()
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert finish_reason("reason_of_tomorrow") is FinishReason.STOP
        assert isinstance(failure({"api_error": "kind of\ntomorrow"}), BackendCrashedError)
    told = [it for it in caplog.messages if it.startswith("unknown")]
    assert len(told) == 2
    assert "reason_of_tomorrow" in told[0]
    assert "tomorrow" not in told[1]


def test_an_absent_name_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert finish_reason(None) is FinishReason.STOP
    assert not caplog.messages
