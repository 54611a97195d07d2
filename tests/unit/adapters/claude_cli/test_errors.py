import pytest

from modegate.adapters.claude_cli import errors
from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendUnavailableError,
    GatewayError,
    SessionNotFoundError,
)


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
def test_an_exit_without_a_result_maps_to_an_error(
    status: int | None, stderr: str, error: type[GatewayError]
) -> None:
    assert type(errors.from_exit(status, stderr)) is error


@pytest.mark.parametrize(
    ("words", "is_auth_error"),
    [
        ("Invalid API key · Please run /login", True),
        ("Error: authentication module\n    at login.js:3", False),
        ("", False),
    ],
)
def test_plain_login_messages_are_authentication_errors(words: str, is_auth_error: bool) -> None:
    assert isinstance(errors.from_words(words), BackendAuthError) is is_auth_error
