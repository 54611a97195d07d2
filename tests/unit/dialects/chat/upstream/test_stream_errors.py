"""Errors that a stream of chunks reports, which seldom have a status."""

import pytest

from modegate.dialects.chat.upstream.errors import error_of_event
from modegate.domain.errors import (
    BackendFailedError,
    BackendRateLimitedError,
    BackendUnavailableError,
    GatewayError,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Why.", "code": 429}, BackendRateLimitedError),
        ({"message": "Why.", "type": "rate_limit_error"}, BackendRateLimitedError),
        ({"message": "Why.", "code": "rate_limit_exceeded"}, BackendRateLimitedError),
        ({"message": "Why.", "type": "overloaded_error"}, BackendUnavailableError),
        ({"message": "Why.", "type": "overloaded_error", "code": 429}, BackendRateLimitedError),
        ({"message": "Why.", "type": "server_error"}, BackendFailedError),
        ("Why.", BackendFailedError),
    ],
)
def test_an_error_in_a_stream_has_a_kind(error: object, kind: type[GatewayError]) -> None:
    found = error_of_event(error)
    assert type(found) is kind
    assert "Why" in str(found)
