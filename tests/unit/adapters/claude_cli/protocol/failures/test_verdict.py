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

# Measured with CLI 2.1.329 against a simulated API that returned each of these.
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
    (None, None, "You're out of usage credits · resets 6:47am", BackendRateLimitedError),
    (None, None, "You're out of extra usage", BackendRateLimitedError),
    (None, None, "Your org is out of usage · contact your admin", BackendRateLimitedError),
    (None, None, "Usage is paused for your organization.", BackendRateLimitedError),
    (429, "rate_limit", "Your seat type doesn't include usage credits", BackendRateLimitedError),
    (429, "rate_limit", "This service is disabled for your org", BackendRateLimitedError),
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
    actual = judged(result, name)
    assert isinstance(actual, GatewayError)
    return actual


@pytest.mark.parametrize(("status", "name", "text", "error"), MEASURED)
def test_error_results_map_to_errors_without_the_message_of_the_cli(
    status: int | None, name: str | None, text: str, error: type[GatewayError]
) -> None:
    actual = failure({"api_error_status": status, "result": text}, name)
    assert type(actual) is error
    assert not text or text not in actual.message


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
def test_an_error_without_a_status_is_classified_by_its_type(
    error_type: str, error: type[GatewayError]
) -> None:
    result: Event = {"api_error_status": None, "api_error_type": error_type, "result": "API Error"}
    assert type(failure(result, "unknown")) is error


def test_a_spending_limit_reported_with_status_400_is_a_rate_limit() -> None:
    said = (
        "API Error: 400 You have reached your specified API usage limits. You will regain access "
    )
    said += "on 2030-01-19 at 00:00 UTC."
    actual = failure({"api_error_status": 400, "result": said}, "invalid_request")
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == 1_895_011_200 - NOW


def test_a_missing_conversation_is_session_not_found() -> None:
    result: Event = {"errors": ["No conversation found with session ID: x"]}
    assert isinstance(failure(result), SessionNotFoundError)


def test_a_refusal_is_a_content_filter_finish_and_not_an_error() -> None:
    result: Event = {"is_error": True, "stop_reason": "refusal", "result": "API Error: flagged"}
    assert judged(result, "invalid_request") is FILTER
    blocked: Event = {
        "api_error_status": 400,
        "result": "Output blocked by content filtering policy",
    }
    assert judged(blocked, "unknown") is FILTER


def test_an_output_or_context_limit_is_an_error_only_without_text() -> None:
    result: Event = {"subtype": "success", "is_error": True, "api_error": "max_output_tokens"}
    assert judged(result, "max_output_tokens", has_text=True) is LENGTH
    assert isinstance(failure(result, "max_output_tokens"), EmptyResponseError)
    full = {**result, "api_error_params": {"cut": "context_window"}}
    assert judged(full, has_text=True) is LENGTH
    assert isinstance(failure(full), ContextLengthError)


@pytest.mark.parametrize("subtype", ["error_max_turns", "error_max_budget_usd"])
def test_a_turn_or_budget_limit_of_the_cli_is_an_error_only_without_text(subtype: str) -> None:
    assert judged({"subtype": subtype}, has_text=True) is LENGTH
    assert isinstance(failure({"subtype": subtype}), BackendCrashedError)


@pytest.mark.parametrize("subtype", ["success", "error_during_execution", "error_of_tomorrow"])
def test_an_error_without_a_reason_is_backend_crashed(subtype: str) -> None:
    assert isinstance(failure({"subtype": subtype, "is_error": True}), BackendCrashedError)


@pytest.mark.parametrize("table", [outcomes.SPECIFIC_ERRORS, outcomes.GENERAL_ERRORS])
def test_every_error_name_of_the_cli_has_an_outcome(table: dict[str, object]) -> None:
    for name in table:
        assert judged({"is_error": True}, name, has_text=True)


@pytest.mark.parametrize("kind", outcomes.ERROR_KINDS)
def test_every_error_kind_of_the_cli_defines_whether_it_is_repeatable(kind: str) -> None:
    actual = judged({"is_error": True, "api_error": kind}, has_text=True)
    assert isinstance(actual, FinishReason) or actual.is_repeatable is not None


def test_an_untrusted_tls_authority_is_not_repeatable() -> None:
    actual = failure({"is_error": True, "api_error": "tls_untrusted_ca"}, "server_error")
    assert isinstance(actual, BackendFailedError)
    assert actual.is_repeatable is False


# Retry times.


def test_a_rate_limit_error_has_the_last_retry_delay_of_the_cli() -> None:
    reported = Reported()
    reported.note_retry({"retry_delay_ms": 3500, "error": "rate_limit"})
    actual = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert (actual.retry_after, actual.is_repeatable) == (3.5, True)


def test_a_rate_limit_without_a_time_is_not_repeatable_and_waits_60_s() -> None:
    actual = failure({"api_error_status": 429})
    assert (actual.retry_after, actual.is_repeatable) == (60, False)


def test_a_rate_limit_event_sets_the_retry_time() -> None:
    reported = Reported()
    reported.note_retry({"retry_delay_ms": 500, "error": "rate_limit"})
    reported.note_limit({"status": "rejected", "resetsAt": NOW + 7200}, NOW)
    actual = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == 7200


def test_rate_limit_info_of_an_error_message_sets_the_retry_time() -> None:
    limit = {"status": "rejected", "resetsAt": NOW + 60}
    reported = Reported()
    reported.note_error(
        {"error": "rate_limit", "api_error_params": {"rate_limit_info": limit}}, NOW
    )
    actual = reported.of_result({"is_error": True}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == 60


@pytest.mark.parametrize(
    "info",
    [
        {"status": "allowed_warning", "resetsAt": NOW + 60},
        {"status": "allowed", "resetsAt": NOW + 60},
        {"status": "rejected", "resetsAt": NOW + 60, "isUsingOverage": True},
        {"status": "rejected"},
    ],
)
def test_a_later_event_without_an_active_limit_clears_the_retry_time(info: Event) -> None:
    reported = Reported()
    reported.note_limit({"status": "rejected", "resetsAt": NOW + 9}, NOW)
    reported.note_limit(info, NOW)
    actual = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == 60


def rejected(**seconds: int) -> Event:
    windows = {
        name: {"status": "rejected", "resetsAt": NOW + after} for name, after in seconds.items()
    }
    return {"unifiedWindows": windows}


@pytest.mark.parametrize(
    ("info", "seconds"),
    [
        ({"resetsAt": NOW + 60, "overageStatus": "rejected", "overageResetsAt": NOW + 30}, 30),
        ({"resetsAt": NOW - 60, "overageResetsAt": NOW + 30}, 30),
        ({"overageResetsAt": NOW + 30, "rateLimitType": "overage"}, 30),
        ({"resetsAt": NOW + 60, "rateLimitType": "overage"}, 60),
        ({"resetsAt": NOW + 60, "rateLimitType": "overage", **rejected(five_hour=20)}, 20),
        ({"resetsAt": NOW + 20, "rateLimitType": "five_hour", **rejected(seven_day=40)}, 40),
        ({"resetsAt": NOW + 20, **rejected(seven_day_overage_included=40)}, 20),
        ({"resetsAt": NOW - 60, "overageResetsAt": NOW - 30}, 0),
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
def test_the_retry_time_is_chosen_from_all_rejected_limit_windows(
    info: Event, seconds: float
) -> None:
    reported = Reported()
    reported.note_limit({"status": "rejected", **info}, NOW)
    actual = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == seconds


def test_the_windows_of_an_event_hold_for_the_error_after_it() -> None:
    limit: Event = {"status": "rejected", "resetsAt": NOW + 20, "rateLimitType": "five_hour"}
    reported = Reported()
    reported.note_limit({**limit, **rejected(five_hour=20, seven_day=40)}, NOW)
    reported.note_error({"api_error_params": {"rate_limit_info": limit}}, NOW)
    actual = reported.of_result({"api_error_status": 429}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert actual.retry_after == 40


def test_a_reset_that_has_passed_is_not_read_from_the_text_as_tomorrow() -> None:
    reported = Reported()
    reported.note_limit({"status": "rejected", "resetsAt": NOW - 60}, NOW)
    said = "You've hit your 5-hour limit · resets 12:45am (UTC)"
    actual = reported.of_result({"api_error_status": 429, "result": said}, NOW)
    assert isinstance(actual, BackendRateLimitedError)
    assert (actual.retry_after, actual.is_repeatable) == (0, True)


def test_the_text_of_a_result_sets_the_retry_time() -> None:
    actual = failure({"result": "Claude AI usage limit reached|1895000000"})
    assert actual.retry_after == 10.0


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
def test_a_retry_event_maps_to_an_error_with_its_delay(
    event: Event, error: type[GatewayError]
) -> None:
    event = {**event, "retry_delay_ms": 37_001}
    reported = Reported()
    reported.note_retry(event)
    actual = reported.of_retry(event, NOW)
    assert type(actual) is error
    assert actual.retry_after == 37.001
    assert "38 s" in actual.message


# Names of stop reasons and error kinds.


@pytest.mark.parametrize("name", outcomes.STOP_REASONS)
def test_known_stop_reasons_map_to_finish_reasons(name: str) -> None:
    assert finish_reason(name) is outcomes.STOP_REASONS[name]


def test_an_unknown_reason_or_error_kind_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    verdict.log_unknown.cache_clear()
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert finish_reason("reason_of_tomorrow") is FinishReason.STOP
        assert isinstance(failure({"api_error": "kind of\ntomorrow"}), BackendCrashedError)
    actual = [it for it in caplog.messages if it.startswith("unknown")]
    assert len(actual) == 2
    assert "reason_of_tomorrow" in actual[0]
    assert "tomorrow" not in actual[1]


def test_an_absent_stop_reason_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert finish_reason(None) is FinishReason.STOP
    assert not caplog.messages
