"""The fields of a chat-completions request that shape its answer."""

from collections.abc import Mapping

from modegate.domain.errors.catalogue import parameters

MAX_MODEL_CHARACTERS = 256


def model_of(params: Mapping[str, object]) -> str:
    """Returns the model's name.

    Raises:
        RequestError: if it is missing, not a string, empty or too long.
    """
    model = params.get("model")
    if model is None:
        raise parameters.no_model()
    if not isinstance(model, str):
        raise parameters.wrong_type("model", "a string")
    check_model_length(model)
    return model


def check_model_length(model: object) -> None:
    """Checks the length of a model's name, the only check in passthrough mode.

    Raises:
        InvalidRequestError: if the name is empty or too long.
    """
    if isinstance(model, str) and not 1 <= len(model) <= MAX_MODEL_CHARACTERS:
        raise parameters.wrong_model_length(MAX_MODEL_CHARACTERS)


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
        raise parameters.wrong_type("stream", "true or false")


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
        raise parameters.wrong_stream_options()
    return include is True
