"""Parameters of a request, and the mode that it asks for."""

from collections.abc import Sequence

from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    InvalidHeaderError,
    InvalidRequestError,
    MissingParameterError,
    ModelNotFoundError,
    UnsupportedParameterError,
)

MODEL = "model"
RESPONSE_FORMAT = "response_format"


def unsupported(name: str) -> UnsupportedParameterError:
    """Returns the error for a parameter that Claude Code rejects."""
    return UnsupportedParameterError(
        f"Claude Code mode does not support '{name}'.",
        param=name,
        remedies=(Remedy.REMOVE_PARAMETER, Remedy.USE_PASSTHROUGH, Remedy.CALL_CLAUDE_API),
    )


def wrong_type(name: str, kind: str) -> InvalidRequestError:
    """Returns the error for a value that is not of its kind, such as "a list"."""
    return InvalidRequestError(f"'{name}' must be {kind}.", param=name)


def wrong_stream_options() -> InvalidRequestError:
    """Returns the error for a wrong type in `stream_options`."""
    return InvalidRequestError(
        "'stream_options' must be an object; its include_usage is true or false.",
        param="stream_options",
    )


def unknown_response_format(
    types: Sequence[str], where: str = RESPONSE_FORMAT
) -> InvalidRequestError:
    """Returns the error for a type of an answer's format that the API does not have."""
    return InvalidRequestError(
        f"'{where}' must have one of the types {', '.join(types)}.", param=where
    )


def invalid_schema(problem: str, where: str = RESPONSE_FORMAT) -> InvalidRequestError:
    """Returns the error for an unusable schema; `problem` follows "the schema"."""
    return InvalidRequestError(f"'{where}' is invalid: the schema {problem}.", param=where)


def no_model() -> MissingParameterError:
    """Returns the error for an absent model."""
    return MissingParameterError("'model' is missing: name one, such as sonnet.", param=MODEL)


def wrong_model_length(longest: int) -> InvalidRequestError:
    """Returns the error for an empty name of a model, or one that is too long."""
    return InvalidRequestError(f"'model' must have 1 to {longest} characters.", param=MODEL)


def unknown_model(models: Sequence[str]) -> ModelNotFoundError:
    """Returns the error for a model that is not in the map; `models` are those that are."""
    return ModelNotFoundError(
        f"Claude Code does not know this model, only {', '.join(models)} (* matches any ending).",
        param=MODEL,
        models=models,
        remedies=(Remedy.CHOOSE_LISTED_MODEL, Remedy.USE_PASSTHROUGH),
    )


def invalid_mode() -> InvalidHeaderError:
    """Returns the error for a mode that is neither of the two."""
    return InvalidHeaderError(
        "The mode must be true/1/yes (answer with Claude Code) or false/0/no (pass through to the "
        "upstream).",
        param=Input.MODE,
        remedies=(Remedy.OMIT_MODE,),
    )
