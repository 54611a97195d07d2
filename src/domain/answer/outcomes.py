"""Tables from the names that end a Claude turn to their outcomes.

Sources: Anthropic's Messages API, the types of `claude_agent_sdk` 0.2, and the schemas in the
`claude` executable 2.1.329. A name in no table is logged once. An unknown stop reason counts as
`STOP`, any other unknown name as `Failure.UNKNOWN`.
"""

from collections.abc import Mapping
from enum import StrEnum, auto
from types import MappingProxyType

from modegate.domain.answer.events import FinishReason


class Failure(StrEnum):
    """The kinds of failure that clients can distinguish."""

    CREDENTIALS = auto()  # the operator must renew a key or login
    FORBIDDEN = auto()  # permission, billing, region, policy
    RATE_LIMITED = auto()
    REQUEST = auto()  # an identical retry fails again
    MODEL = auto()
    CONTEXT = auto()  # exceeds the model's context length
    EMPTY = auto()  # an answer without text
    SCHEMA = auto()  # no document that is valid against the schema
    SERVER = auto()  # the API or the connection to it; transient
    SETUP = auto()  # the connection to the API, until the operator acts
    UNKNOWN = auto()


Outcome = FinishReason | Failure

# Truncated text is `LENGTH`, never `STOP`.
STOP_REASONS: Mapping[str, FinishReason] = MappingProxyType(
    {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "pause_turn": FinishReason.LENGTH,
        "compaction": FinishReason.LENGTH,
        "server_timeout": FinishReason.LENGTH,
        "tool_use": FinishReason.LENGTH,
        "refusal": FinishReason.CONTENT_FILTER,
    }
)

RESULT_SUBTYPES: Mapping[str, Outcome] = MappingProxyType(
    {
        "success": Failure.UNKNOWN,  # with `is_error` and without any other reason
        "error_during_execution": Failure.UNKNOWN,
        "error_max_turns": FinishReason.LENGTH,
        "error_max_budget_usd": FinishReason.LENGTH,
        "error_max_structured_output_retries": Failure.SCHEMA,
    }
)

# Values of `error` in the message before the result that are more specific than its status.
SPECIFIC_ERRORS: Mapping[str, Outcome] = MappingProxyType(
    {
        "oauth_org_not_allowed": Failure.FORBIDDEN,
        "account_on_hold": Failure.FORBIDDEN,
        "verification_required": Failure.FORBIDDEN,
        "billing_error": Failure.FORBIDDEN,
        "rate_limit": Failure.RATE_LIMITED,
        "model_not_found": Failure.MODEL,
        "max_output_tokens": FinishReason.LENGTH,
        "cloud_credential_error": Failure.CREDENTIALS,
    }
)
# Values of the same field that are less specific than the status.
GENERAL_ERRORS: Mapping[str, Outcome] = MappingProxyType(
    {
        "authentication_failed": Failure.CREDENTIALS,
        "overloaded": Failure.SERVER,
        "invalid_request": Failure.REQUEST,
        "server_error": Failure.SERVER,
        "unknown": Failure.UNKNOWN,
    }
)

# Values of `api_error`, the CLI's own classification: the most specific source.
ERROR_KINDS: Mapping[str, Outcome] = MappingProxyType(
    {
        "max_output_tokens": FinishReason.LENGTH,
        "safety_monitor_blocked": FinishReason.CONTENT_FILTER,
        "dlp_request_denied": Failure.FORBIDDEN,
        "claude_code_version_too_old": Failure.SETUP,
        "hook_denied": Failure.SETUP,
        "effort_requires_thinking": Failure.REQUEST,
        "advisor_incompatible": Failure.SETUP,
        "tool_history_mismatch": Failure.REQUEST,
        "autocompact_thrashing": Failure.CONTEXT,
        "message_over_context_limit": Failure.CONTEXT,
        "pdf_too_large": Failure.CONTEXT,
        "pdf_password_protected": Failure.REQUEST,
        "media_removed": Failure.REQUEST,
        "field_not_granted": Failure.FORBIDDEN,
        "stored_login_refused": Failure.CREDENTIALS,
        "oauth_refresh_store_refused": Failure.CREDENTIALS,
        "provider_credentials": Failure.CREDENTIALS,
        "gateway_signin_required": Failure.CREDENTIALS,
        "gateway_session_expired": Failure.CREDENTIALS,
        "api_key_auth_disabled": Failure.CREDENTIALS,
        "org_disabled_credential": Failure.CREDENTIALS,
        "invalid_credential_header": Failure.CREDENTIALS,
        "model_requires_usage_credits": Failure.FORBIDDEN,
        "long_context_credits_required": Failure.FORBIDDEN,
        "consent_unanswered": Failure.FORBIDDEN,
        "no_allowed_fallback": Failure.FORBIDDEN,
        "model_substitution_disabled": Failure.FORBIDDEN,
        "network_edge_blocked": Failure.FORBIDDEN,
        "usage_limit_reached": Failure.RATE_LIMITED,
        "no_response": Failure.SERVER,
        "connection_failed": Failure.SERVER,
        "stream_idle_timeout": Failure.SERVER,
        "computer_slept": Failure.SERVER,
        "tls_untrusted_ca": Failure.SETUP,
        "tls_cert_signature_failure": Failure.SETUP,
        "gateway_content_type": Failure.SETUP,
        "empty_completion": Failure.EMPTY,
        "malformed_tool_use_exhausted": Failure.EMPTY,
        "unattended_start_limit": Failure.UNKNOWN,
        "unattended_start_unconfirmed": Failure.UNKNOWN,
    }
)

# `api_error_type`, the API's own name of an error: the only fact about one in mid-stream.
API_ERROR_TYPES: Mapping[str, Failure] = MappingProxyType(
    {
        "invalid_request_error": Failure.REQUEST,
        "authentication_error": Failure.CREDENTIALS,
        "billing_error": Failure.FORBIDDEN,
        "permission_error": Failure.FORBIDDEN,
        "not_found_error": Failure.MODEL,
        "request_too_large": Failure.CONTEXT,
        "rate_limit_error": Failure.RATE_LIMITED,
        "timeout_error": Failure.SERVER,
        "api_error": Failure.SERVER,
        "overloaded_error": Failure.SERVER,
    }
)

# Reasons why the CLI's loop ended that are more specific than the other fields.
TERMINAL_REASONS: Mapping[str, Outcome] = MappingProxyType(
    {
        "prompt_too_long": Failure.CONTEXT,
        "blocking_limit": Failure.CONTEXT,
        "rapid_refill_breaker": Failure.CONTEXT,
        "max_turns": FinishReason.LENGTH,
        "budget_exhausted": FinishReason.LENGTH,
    }
)

STATUSES: Mapping[int, Failure] = MappingProxyType(
    {
        401: Failure.CREDENTIALS,
        402: Failure.FORBIDDEN,
        403: Failure.FORBIDDEN,
        404: Failure.MODEL,
        407: Failure.SETUP,
        408: Failure.SERVER,
        409: Failure.SERVER,
        413: Failure.CONTEXT,
        429: Failure.RATE_LIMITED,
    }
)
SERVER_ERRORS = 500
CLIENT_ERRORS = 400


def of_status(status: int) -> Failure:
    """Returns the failure for an HTTP status of the API."""
    if status in STATUSES:
        return STATUSES[status]
    if status >= SERVER_ERRORS:
        return Failure.SERVER
    return Failure.REQUEST if status >= CLIENT_ERRORS else Failure.UNKNOWN
