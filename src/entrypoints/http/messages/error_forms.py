"""The form of errors by the path of their request, also where no resource was found."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.registry import DIALECTS
from modegate.domain.dialect_name import DialectName
from modegate.entrypoints.http.messages.errors import OPENAI, ErrorForm

# The path and all paths below it; others have OpenAI's error object.
PATHS: Mapping[str, DialectName] = MappingProxyType({"/v1/messages": DialectName.MESSAGES})
REQUEST_ID = "request-id"


def error_form_of(path: str, request_id: str | None) -> ErrorForm:
    """Returns the form of the errors of a request."""
    found = PATHS.get("/".join(path.split("/", 3)[:3]))
    return OPENAI if found is None else ErrorForm(DIALECTS[found], request_id)
