"""Parses a request for a message for a backend that generates."""

from collections.abc import Iterator, Mapping

from modegate.dialects.chat.request import check_stream, model_of
from modegate.dialects.fields import Fields, check_fields
from modegate.dialects.messages.conversation import parse_conversation
from modegate.dialects.messages.rules import POLICY
from modegate.dialects.messages.tools import parse_tools
from modegate.dialects.output_schema import output_of_schema
from modegate.dialects.passed import passed_in, passed_user
from modegate.domain.errors.catalogue import dialects, parameters
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy
from modegate.domain.parameters.kinds import Kind, as_count
from modegate.domain.parameters.param_policy import EFFORTS, Effort
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.structured.output_format import OutputFormat

COUNT = "a whole number of at least 1"
FORMAT = "output_config.format"
CACHE, CITATIONS = "cache_control", "citations"
EFFORT_NAMES = ("thinking", "output_config")
OF_THINKING: Fields = {"budget_tokens": Kind.COUNT, "display": ("summarized", "omitted")}
THINKING = ("enabled", "adaptive", "disabled")


def parse_generation(
    params: Mapping[str, object], media: MediaPolicy = DEFAULT_MEDIA
) -> GenerationRequest:
    """Validates a body in the order in which clients get its errors; `media` bounds images.

    Raises:
        RequestError: if a value is invalid, or a parameter is rejected.
    """
    check_stream(params)
    if params.get("max_tokens") is None:
        raise dialects.missing("max_tokens", COUNT)
    return _parse(params, media)


def parse_counted(
    params: Mapping[str, object], media: MediaPolicy = DEFAULT_MEDIA
) -> GenerationRequest:
    """Validates a body whose tokens are counted: `max_tokens` is not needed.

    Raises:
        RequestError: as `parse_generation`.
    """
    return _parse(params, media)


def _parse(params: Mapping[str, object], media: MediaPolicy) -> GenerationRequest:
    screening = POLICY.screen(params)
    most = params.get("max_tokens")
    if most is not None and as_count(most) is None:
        raise parameters.wrong_type("max_tokens", COUNT)
    thinking, config = _object(params, "thinking"), _object(params, "output_config")
    if thinking and thinking.get("type") not in THINKING:
        raise parameters.wrong_type("thinking.type", ", ".join(THINKING))
    check_fields("thinking", thinking, OF_THINKING)
    check_fields("output_config", config, {"effort": Kind.TEXT})
    check_fields("metadata", _object(params, "metadata"), {"user_id": Kind.TEXT})
    tools = parse_tools(params)
    return GenerationRequest(
        model=model_of(params),
        conversation=parse_conversation(params, media),
        tools=tools.offer,
        effort=_effort(thinking, config),
        max_tokens=as_count(most),
        stop=_stop(params),
        output=_output(config.get("format")),
        streamed=params.get("stream") is True,
        ignored=(*screening.ignored, *_ignored_in(params, thinking, config)),
        names={
            TurnSetting.EFFORT: tuple(name for name in EFFORT_NAMES if name in params),
            TurnSetting.MAX_TOKENS: ("max_tokens",),
            TurnSetting.STOP: ("stop_sequences",),
        },
        ignored_tools=tools.ignored,
        shows_reasoning=_shows(thinking),
        passed=passed_in(params) | passed_user(_metadata(params)),
    )


def _object(params: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = params.get(name)
    if not isinstance(value, Mapping | None):
        raise parameters.wrong_type(name, "an object")
    return value or {}


def _metadata(params: Mapping[str, object]) -> Mapping[str, object]:
    metadata = params.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _output(form: object) -> OutputFormat | None:
    """Returns the format that the answer must have; None for text."""
    if form is None:
        return None
    if not isinstance(form, Mapping):
        raise parameters.wrong_type(FORMAT, "an object")
    if form.get("type") != "json_schema":
        raise parameters.unknown_response_format(("json_schema",), FORMAT)
    return output_of_schema(form.get("schema"), FORMAT)


def _effort(thinking: Mapping[str, object], config: Mapping[str, object]) -> Effort | None:
    if thinking.get("type") == "disabled":
        return Effort.NONE
    effort = config.get("effort")
    return EFFORTS.get(effort) if isinstance(effort, str) else None


def _stop(params: Mapping[str, object]) -> tuple[str, ...]:
    """Returns the texts before which the answer ends; the API rejects blank ones."""
    stop = params.get("stop_sequences")
    texts = stop if isinstance(stop, list) else [] if stop is None else [stop, None]
    if not all(isinstance(it, str) and it.strip() for it in texts):
        raise parameters.wrong_type("stop_sequences", "a list of texts that are not blank")
    return tuple(texts)


def _shows(thinking: Mapping[str, object]) -> bool:
    """Returns whether the client expects thoughts: others take the first block for the text."""
    return thinking.get("type") in THINKING[:2] and thinking.get("display") != "omitted"


def _ignored_in(
    params: Mapping[str, object], thinking: Mapping[str, object], config: Mapping[str, object]
) -> Iterator[str]:
    if thinking.get("budget_tokens") is not None:
        yield "thinking.budget_tokens"
    effort = config.get("effort")
    if effort is not None and not (isinstance(effort, str) and effort in EFFORTS):
        yield "output_config.effort"
    if CACHE not in params and any(CACHE in it for it in _objects_in(params)):
        yield CACHE
    if any(_is_enabled(it.get(CITATIONS)) for it in _objects_in(params)):
        yield CITATIONS


def _is_enabled(citations: object) -> bool:
    return isinstance(citations, Mapping) and citations.get("enabled") is True


def _objects_in(params: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yields what may be marked for a cache: tools, and blocks on every level."""
    waiting = [params.get(name) for name in ("system", "tools", "messages")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, Mapping):
            yield item
            waiting.append(item.get("content"))
