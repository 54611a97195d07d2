"""Bodies of requests that are no JSON object."""

from modegate.domain.errors.request_errors import InvalidRequestError


def empty() -> InvalidRequestError:
    """Returns the error for an empty body."""
    return InvalidRequestError("The body is empty: send a JSON object, {…}.")


def no_object() -> InvalidRequestError:
    """Returns the error for JSON that is no object."""
    return InvalidRequestError("The body must be a JSON object: {…}.")


def no_json(line: int, column: int) -> InvalidRequestError:
    """Returns the error for a body that is not JSON from a position on."""
    return InvalidRequestError(
        f"The body is not valid JSON (line {line}, column {column}): fix it there."
    )


def no_utf8() -> InvalidRequestError:
    """Returns the error for another encoding."""
    return InvalidRequestError("The body is not UTF-8: send JSON in UTF-8.")


def nested_too_deeply() -> InvalidRequestError:
    """Returns the error for nesting that cannot be parsed."""
    return InvalidRequestError("The body is nested too deeply: flatten it.")


def invalid_number() -> InvalidRequestError:
    """Returns the error for NaN, Infinity, and numbers of too many digits."""
    return InvalidRequestError(
        "The body holds a number that JSON does not have, or one that is too long: fix it."
    )
