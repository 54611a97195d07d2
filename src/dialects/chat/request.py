"""The fields of a chat-completions request that shape its answer."""

from collections.abc import Mapping

from modegate.domain.errors import InvalidRequestError, MissingParameterError

MAX_MODEL_CHARACTERS = 256


def model_of(params: Mapping[str, object]) -> str:
    """Returns the model's name.

    Raises:
        RequestError: if it is missing, not a string, empty or too long.
    """
    model = params.get("model")
    if model is None:
        raise MissingParameterError("'model' is missing: name one, such as sonnet.", param="model")
    if not isinstance(model, str):
        raise InvalidRequestError("'model' must be a string.", param="model")
    check_model_length(model)
    return model


def check_model_length(model: object) -> None:
    """Checks the length of a model's name, the only check in passthrough mode.

    Raises:
        InvalidRequestError: if the name is empty or too long.
    """
    if isinstance(model, str) and not 1 <= len(model) <= MAX_MODEL_CHARACTERS:
        raise InvalidRequestError(
            f"'model' must have 1 to {MAX_MODEL_CHARACTERS} characters.", param="model"
        )


def model_to_relay(params: Mapping[str, object]) -> str | None:
    """Returns the model's name, or None if it is no string; the upstream checks all but its length.

    Raises:
        InvalidRequestError: if the name is empty or too long.
    """
    model = params.get("model")
    check_model_length(model)
    return model if isinstance(model, str) else None


def check_stream(params: Mapping[str, object]) -> None:
    """Checks the type of `stream`.

    Raises:
        InvalidRequestError: if it is not a boolean.
    """
    if not isinstance(params.get("stream"), bool | None):
        raise InvalidRequestError("'stream' must be true or false.", param="stream")


def include_usage(params: Mapping[str, object]) -> bool:
    """Returns whether a stream ends with a usage chunk.

    Raises:
        InvalidRequestError: if `stream_options` has a wrong type.
    """
    options = params.get("stream_options")
    if options is None:
        return False
    include = options.get("include_usage") if isinstance(options, Mapping) else options
    if not (isinstance(options, Mapping) and isinstance(include, bool | None)):
        raise InvalidRequestError(
            "'stream_options' must be an object; its include_usage is true or false.",
            param="stream_options",
        )
    return include is True
