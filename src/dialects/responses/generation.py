"""Parses a request for a response for a backend that generates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from modegate.dialects.chat.request import check_stream, model_of
from modegate.dialects.fields import Fields, check_fields
from modegate.dialects.output_schema import TYPES, output_of_schema
from modegate.dialects.passed import passed_effort, passed_in
from modegate.dialects.responses.conversation import parse_conversation
from modegate.dialects.responses.rules import POLICY
from modegate.dialects.responses.tool_choice import parse_offer
from modegate.dialects.responses.tools import Form, declared_tools
from modegate.domain.errors.catalogue import parameters
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy
from modegate.domain.parameters.kinds import Kind, as_count
from modegate.domain.parameters.param_policy import EFFORTS
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.session import SessionId, is_session_id
from modegate.domain.structured.output_format import OutputFormat

TRUNCATIONS = (None, "auto", "disabled")
MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512
METADATA = (
    f"an object of at most {MAX_PAIRS} texts of at most {MAX_VALUE} characters, with names of at "
    f"most {MAX_KEY}"
)
COUNT = "a whole number of at least 1"
FORMAT = "text.format"
CONVERSATION = "conversation"
ENCRYPTED = "reasoning.encrypted_content"
SUMMARIES = ("auto", "concise", "detailed")
# Other models know other efforts than OpenAI's.
OF_REASONING: Fields = {"effort": Kind.TEXT, "summary": SUMMARIES, "generate_summary": SUMMARIES}
OF_TEXT: Fields = {"verbosity": ("low", "medium", "high")}
# What a response repeats from its request.
ECHOED = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
)


def parse_generation(
    params: Mapping[str, object], media: MediaPolicy = DEFAULT_MEDIA
) -> GenerationRequest:
    """Validates a body in the order in which clients get its errors; `media` bounds images.

    Raises:
        RequestError: if a value is invalid, or a parameter is rejected.
    """
    check_stream(params)
    screening = POLICY.screen(params)
    most = params.get("max_output_tokens")
    if most is not None and as_count(most) is None:
        raise parameters.wrong_type("max_output_tokens", COUNT)
    reasoning, text = _object(params, "reasoning"), _object(params, "text")
    _check_metadata(_object(params, "metadata"))
    if params.get("truncation") not in TRUNCATIONS:
        raise parameters.wrong_type("truncation", "auto or disabled")
    include = params.get("include") or []
    if not isinstance(include, list) or not all(isinstance(it, str) for it in include):
        raise parameters.wrong_type("include", "a list of texts")
    if not isinstance(params.get("store"), bool | None):
        raise parameters.wrong_type("store", "true or false")
    check_fields("reasoning", reasoning, OF_REASONING)
    check_fields("text", text, OF_TEXT)
    output = _output(text.get("format"))
    declared = declared_tools(params.get("tools"))
    effort = reasoning.get("effort")
    return GenerationRequest(
        model=model_of(params),
        conversation=parse_conversation(params, media),
        tools=parse_offer(declared, params),
        effort=EFFORTS.get(effort) if isinstance(effort, str) else None,
        max_tokens=as_count(most),
        output=output,
        streamed=params.get("stream") is True,
        ignored=(*screening.ignored, *_ignored_in(include, reasoning, text)),
        names={
            TurnSetting.EFFORT: ("reasoning.effort",) if effort is not None else (),
            TurnSetting.MAX_TOKENS: ("max_output_tokens",),
        },
        ignored_tools=tuple(it.name for it in declared if it.form is Form.HOSTED),
        echoed={
            "store": params.get("store") is not False,
            **{name: params[name] for name in ECHOED if params.get(name) is not None},
        },
        previous_response=_previous(params),
        session=_session(params),
        is_kept=params.get("store") is not False,
        seals_reasoning=ENCRYPTED in include,
        shows_reasoning=isinstance(reasoning.get("summary"), str),
        passed=passed_in(params) | passed_effort(effort) | _verbosity(text),
    )


def _object(params: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = params.get(name)
    if not isinstance(value, Mapping | None):
        raise parameters.wrong_type(name, "an object")
    return value or {}


def _check_metadata(metadata: Mapping[str, object]) -> None:
    """Checks what the response repeats, by the bounds of OpenAI's API."""
    if len(metadata) > MAX_PAIRS or not all(
        len(name) <= MAX_KEY and isinstance(value, str) and len(value) <= MAX_VALUE
        for name, value in metadata.items()
    ):
        raise parameters.wrong_type("metadata", METADATA)


def _verbosity(text: Mapping[str, object]) -> dict[str, object]:
    verbosity = text.get("verbosity")
    return {} if verbosity is None else {"verbosity": verbosity}


def _previous(params: Mapping[str, object]) -> str | None:
    value = params.get("previous_response_id")
    if not isinstance(value, str | None):
        raise parameters.wrong_type("previous_response_id", "the id of a response")
    return value


def _session(params: Mapping[str, object]) -> SessionId | None:
    """Returns the session that `conversation` names, as responses do."""
    value = params.get(CONVERSATION)
    if value is None:
        return None
    if params.get("previous_response_id") is not None:
        raise parameters.wrong_type(CONVERSATION, "left out with 'previous_response_id'")
    named = value.get("id") if isinstance(value, Mapping) else value
    if not isinstance(named, str) or not is_session_id(named):
        raise parameters.wrong_type(CONVERSATION, "the id in 'conversation' of a response")
    return SessionId(named)


def _output(form: object) -> OutputFormat | None:
    """Returns the format that the answer must have; None for text."""
    if form is None:
        return None
    kind = form.get("type") if isinstance(form, Mapping) else None
    if not isinstance(form, Mapping) or kind not in TYPES:
        raise parameters.unknown_response_format(TYPES, FORMAT)
    if kind == "text":
        return None
    if kind == "json_object":
        return output_of_schema(None, FORMAT)
    name, told, strict = (form.get(it) for it in ("name", "description", "strict"))
    return replace(
        output_of_schema(form.get("schema"), FORMAT),
        name=name if isinstance(name, str) else "",
        description=told if isinstance(told, str) else "",
        strict=strict if isinstance(strict, bool) else None,
    )


def _ignored_in(
    include: Sequence[object], reasoning: Mapping[str, object], text: Mapping[str, object]
) -> Iterator[str]:
    effort = reasoning.get("effort")
    if effort is not None and not (isinstance(effort, str) and effort in EFFORTS):
        yield "reasoning.effort"
    if text.get("verbosity") is not None:
        yield "text.verbosity"
    if any(it != ENCRYPTED for it in include):
        yield "include"
