"""Parses a chat-completions request for a backend that generates."""

from collections.abc import Mapping

from modegate.dialects.chat.messages import parse_messages
from modegate.dialects.chat.request import check_stream, include_usage, model_of
from modegate.dialects.chat.response_format import parse_response_format
from modegate.dialects.chat.settings import parse_settings
from modegate.dialects.chat.tools import parse_tools
from modegate.dialects.passed import passed_effort, passed_in
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy
from modegate.domain.parameters.param_policy import ParamPolicy


def parse_generation(
    params: Mapping[str, object], policy: ParamPolicy, media: MediaPolicy = DEFAULT_MEDIA
) -> GenerationRequest:
    """Validates a body in the order in which clients get its errors.

    Raises:
        RequestError: if a value is invalid, or `policy` rejects a parameter.
    """
    check_stream(params)
    with_usage = include_usage(params)
    screening = policy.screen(params)
    settings = parse_settings(params)
    return GenerationRequest(
        model=model_of(params),
        conversation=parse_messages(params.get("messages"), media),
        tools=parse_tools(params),
        effort=screening.effort,
        max_tokens=settings.max_tokens,
        stop=settings.stop,
        output=parse_response_format(params.get("response_format")),
        streamed=params.get("stream") is True,
        include_usage=with_usage,
        ignored=(*screening.ignored, *settings.ignored),
        names=settings.names,
        passed=passed_in(params) | passed_effort(params.get("reasoning_effort")),
    )
