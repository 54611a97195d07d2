"""Faults in the results of a client's tools."""

from collections.abc import Iterable

from modegate.domain.errors.request_errors import InvalidRequestError

FIELD = "messages"


def missing(call_ids: Iterable[str]) -> InvalidRequestError:
    """Returns the error for calls without a result."""
    return InvalidRequestError(
        f"The results of these tool calls are missing: {', '.join(call_ids)}. Send one message of the "
        "role 'tool' for each.",
        param=FIELD,
    )


def unknown(call_ids: Iterable[str]) -> InvalidRequestError:
    """Returns the error for results whose calls the model has not made, or that it has results for."""
    return InvalidRequestError(
        f"No result is awaited for these tool calls: {', '.join(call_ids)}. Send the assistant's "
        "message with the calls before their results, or leave the results out.",
        param=FIELD,
    )


def repeated(call_ids: Iterable[str]) -> InvalidRequestError:
    """Returns the error for calls with more than one result."""
    return InvalidRequestError(
        f"These tool calls have more than one result: {', '.join(call_ids)}. Send one for each.",
        param=FIELD,
    )
