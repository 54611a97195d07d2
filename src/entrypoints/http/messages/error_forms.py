"""The form of errors by their request, also where no resource was found."""

from collections.abc import Container

from modegate.dialects.registry import DIALECTS
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError, Wording
from modegate.entrypoints.http.messages.errors import OPENAI, ErrorForm, render_error
from modegate.entrypoints.http.messages.wording import HEADERS

# The beginning of all paths of Anthropic's API; most others are told apart by it.
COMMON = "/v1/m"
MESSAGES, MODELS = "/v1/messages", "/v1/models"
# Sent by clients of Anthropic's API, also to paths that OpenAI's API has too.
ANTHROPIC_VERSION = "anthropic-version"
VERSION_SENT = ANTHROPIC_VERSION.encode()
REQUEST_ID = b"request-id"


def is_of_anthropic(path: str, headers: Container[bytes]) -> bool:
    """Returns whether a request is one of Anthropic's API; `headers` are the names of its headers."""
    if not path.startswith(COMMON):
        return False
    if path.startswith(MESSAGES):
        return path[len(MESSAGES) :][:1] in {"", "/"}
    return (
        path.startswith(MODELS) and path[len(MODELS) :][:1] in {"", "/"} and VERSION_SENT in headers
    )


def error_form_of(path: str, headers: Container[bytes], request_id: str | None) -> ErrorForm:
    """Returns the form of the errors of a request."""
    if is_of_anthropic(path, headers):
        return ErrorForm(DIALECTS[DialectName.MESSAGES], request_id)
    return OPENAI


def render_error_at(
    error: GatewayError, path: str, request_id: str | None, wording: Wording = HEADERS
) -> tuple[int, bytes]:
    """Returns the status and the body of an error of a request for a path."""
    return render_error(error, wording, error_form_of(path, (), request_id))
