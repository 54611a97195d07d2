"""Requests in other dialects than chat completions; `where` is the path to a value."""

from collections.abc import Iterable

from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.request_errors import (
    InvalidRequestError,
    MissingParameterError,
    ObjectNotFoundError,
    PreviousResponseNotFoundError,
    UnsupportedParameterError,
)


def missing(name: str, kind: str) -> MissingParameterError:
    """Returns the error for an absent field that the API requires, such as "a whole number"."""
    return MissingParameterError(f"'{name}' is missing: send {kind}.", param=name)


def unknown_kind(where: str, kinds: Iterable[str]) -> InvalidRequestError:
    """Returns the error for a block or item of another type than `kinds`."""
    return InvalidRequestError(
        f"{where} must be an object whose type is one of {', '.join(kinds)}.", param=where
    )


def unsupported(where: str, kind: str) -> UnsupportedParameterError:
    """Returns the error for a block or item of a type that Claude Code mode cannot handle."""
    return UnsupportedParameterError(
        f"{where} is of the type {kind}, which Claude Code mode does not support.",
        param=where,
        remedies=(Remedy.REMOVE_PARAMETER,),
    )


def untranslatable(where: str | None) -> UnsupportedParameterError:
    """Returns the error for what another API than the client's has no form for."""
    return UnsupportedParameterError(
        f"'{where}' cannot be translated for this model's upstream, which speaks another API.",
        param=where,
        remedies=(Remedy.REMOVE_PARAMETER, Remedy.CHOOSE_MODEL),
    )


def unavailable_tool(name: str) -> UnsupportedParameterError:
    """Returns the error for a tool that has to be called, and is run by no client."""
    return UnsupportedParameterError(
        f"'tool_choice' demands the tool {name}, which is none of the client's functions.",
        param="tool_choice",
        remedies=(Remedy.REMOVE_PARAMETER,),
    )


def no_tools() -> InvalidRequestError:
    """Returns the error for a demanded call without a tool that could be called."""
    return InvalidRequestError(
        "'tool_choice' demands a call, and 'tools' holds no function of the client: add one.",
        param="tool_choice",
    )


def no_user(name: str) -> InvalidRequestError:
    """Returns the error for a conversation in which no user speaks; `name` is its field."""
    return InvalidRequestError(
        f"'{name}' holds no message of the role 'user': add one with the question.", param=name
    )


def unknown_previous() -> PreviousResponseNotFoundError:
    """Returns the error for a response to continue that the client does not have."""
    return PreviousResponseNotFoundError(
        "You have no such response here, or no longer: send the whole conversation as 'input', "
        "without 'previous_response_id'.",
        param="previous_response_id",
    )


def unknown_response() -> ObjectNotFoundError:
    """Returns the error for a response to read or delete that the client does not have."""
    return ObjectNotFoundError("You have no such response here, or no longer.")


def unknown_item(where: str) -> InvalidRequestError:
    """Returns the error for an item that refers to none of the client's kept responses."""
    return InvalidRequestError(
        f"'{where}' refers to no item of a response that is kept for you here: send the item itself.",
        param=where,
    )


def too_long_to_continue(most: int) -> InvalidRequestError:
    """Returns the error for a conversation of more than `most` messages."""
    return InvalidRequestError(
        f"'previous_response_id' continues a conversation that now has more than {most} messages: "
        "begin a new one.",
        param="previous_response_id",
    )
