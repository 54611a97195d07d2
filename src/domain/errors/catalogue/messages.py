"""Faults in the field `messages`; `where` is the path to a value, such as `messages[2].content`."""

from modegate.domain.errors.request_errors import InvalidRequestError, MissingParameterError

FIELD = "messages"


def missing() -> MissingParameterError:
    """Returns the error for an absent field."""
    return MissingParameterError("'messages' is missing: send a list.", param=FIELD)


def no_list(most: int) -> InvalidRequestError:
    """Returns the error for a value that is no list, or has no or too many items."""
    return InvalidRequestError(
        f"'messages' must be a list of 1 to {most} messages, besides calls of tools and their "
        "results.",
        param=FIELD,
    )


def no_user() -> InvalidRequestError:
    """Returns the error for a conversation in which no user speaks."""
    return InvalidRequestError(
        "'messages' holds no message of the role 'user': add one with the question.", param=FIELD
    )


def no_object(where: str) -> InvalidRequestError:
    """Returns the error for a message that is no object."""
    return InvalidRequestError(f"{where} must be an object with role and content.", param=where)


def no_role(where: str, roles: str) -> MissingParameterError:
    """Returns the error for a message without a role."""
    return MissingParameterError(
        f"{where} has no role: name one of {roles}.", param=f"{where}.role"
    )


def unknown_role(where: str, roles: str) -> InvalidRequestError:
    """Returns the error for a role that does not exist."""
    return InvalidRequestError(f"{where}.role must be one of {roles}.", param=f"{where}.role")


def too_long(where: str, most: int) -> InvalidRequestError:
    """Returns the error for a message of more than `most` characters."""
    return InvalidRequestError(
        f"{where} is longer than {most} characters: shorten it.", param=f"{where}.content"
    )


def empty(where: str) -> InvalidRequestError:
    """Returns the error for a user's message without text."""
    return InvalidRequestError(f"{where}.content is empty: write a text.", param=where)


def no_content(where: str) -> MissingParameterError:
    """Returns the error for a message without content."""
    return MissingParameterError(f"{where} is missing: write a text.", param=where)


def wrong_content(where: str) -> InvalidRequestError:
    """Returns the error for content that is neither a text nor a list."""
    return InvalidRequestError(f"{where} must be a string or a list of text parts.", param=where)


def no_text_part(where: str) -> InvalidRequestError:
    """Returns the error for a part of a message that is not text."""
    return InvalidRequestError(
        f'{where} must be a text part: {{"type": "text", "text": "…"}}.', param=where
    )


def orphan_result(where: str) -> InvalidRequestError:
    """Returns the error for a result of a tool whose call is not among the messages before it."""
    return InvalidRequestError(
        f"{where} is the result of a tool call that no earlier message holds, or that has a result "
        "already: send the assistant's message with the call before it, or leave it out.",
        param=f"{where}.tool_call_id",
    )
