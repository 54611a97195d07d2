"""Faults in a client's tools; `where` is the path to a value, such as `tools[2].function.name`."""

from modegate.domain.errors.request_errors import InvalidRequestError, MissingParameterError


def no_list(field: str) -> InvalidRequestError:
    """Returns the error for tools that are no list."""
    return InvalidRequestError(f"'{field}' must be a list of objects.", param=field)


def no_object(where: str) -> InvalidRequestError:
    """Returns the error for a tool, or a part of it, that is no object."""
    return InvalidRequestError(f"'{where}' must be an object.", param=where)


def missing(where: str) -> MissingParameterError:
    """Returns the error for an absent field of a tool."""
    return MissingParameterError(f"Missing required parameter: '{where}'.", param=where)


def unknown_kind(where: str) -> InvalidRequestError:
    """Returns the error for a tool that is neither a function nor a custom tool."""
    return InvalidRequestError(
        f'\'{where}\' must be "function" or "custom": Claude Code has no hosted tools.',
        param=where,
    )


def no_name(where: str) -> MissingParameterError:
    """Returns the error for a tool without a name."""
    return MissingParameterError(f"'{where}' is missing: name the function.", param=where)


def wrong_name(where: str, most: int) -> InvalidRequestError:
    """Returns the error for a name with other characters, or of the wrong length."""
    return InvalidRequestError(
        f"'{where}' must have 1 to {most} letters, digits, underscores, dashes or dots.",
        param=where,
    )


def name_twice(field: str, name: str) -> InvalidRequestError:
    """Returns the error for two tools of one name."""
    return InvalidRequestError(
        f"'{field}' holds two functions with the name '{name}': rename one.", param=field
    )


def too_many(field: str, most: int, count: int) -> InvalidRequestError:
    """Returns the error for more tools than a request may have."""
    return InvalidRequestError(
        f"'{field}' holds {count} functions, and at most {most} are possible: leave some out.",
        param=field,
    )


def too_large(field: str, most: int) -> InvalidRequestError:
    """Returns the error for tools whose JSON exceeds the limit, in bytes."""
    return InvalidRequestError(
        f"'{field}' is larger than {most // 1024} KiB: shorten descriptions and schemas.",
        param=field,
    )


def schema_too_deep(where: str, most: int) -> InvalidRequestError:
    """Returns the error for a schema nested too deeply."""
    return InvalidRequestError(
        f"'{where}' is nested deeper than {most} levels: use $defs and $ref.", param=where
    )


def wrong_choice(field: str, values: str) -> InvalidRequestError:
    """Returns the error for a choice that is none of the possible `values`."""
    return InvalidRequestError(f"'{field}' must be {values}.", param=field)


def unknown_choice(field: str, tools: str, name: str) -> InvalidRequestError:
    """Returns the error for a choice of a tool that the request does not have."""
    return InvalidRequestError(
        f"'{field}' names '{name}', which '{tools}' does not hold.", param=field
    )


def choice_without_tools(field: str, tools: str) -> InvalidRequestError:
    """Returns the error for a choice among tools where there are none."""
    return InvalidRequestError(
        f"'{field}' is only allowed when '{tools}' are specified.", param=field
    )


def both_forms() -> InvalidRequestError:
    """Returns the error for tools in the current and in the older form at once."""
    return InvalidRequestError(
        "'functions' is the older form of 'tools': send one of them.", param="functions"
    )
