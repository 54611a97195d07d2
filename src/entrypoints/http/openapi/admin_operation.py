"""What all operations of the admin API have in common."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi.schemas.schema import Schema

SECURITY: list[Schema] = [{"admin_key": []}, {"admin_key_header": []}]
ACCESS = (errors.MissingKeyError, errors.InvalidKeyError, errors.RateLimitError)


def operation(name: str, summary: str, description: str, responses: Schema) -> Schema:
    """Returns an operation that needs an operator's key."""
    return {
        "operationId": name,
        "tags": ["Admin"],
        "summary": summary,
        "description": description,
        "security": SECURITY,
        "responses": responses,
    }
