"""Encodes a request for a message."""

from collections.abc import Set as AbstractSet

from modegate.dialects.json import encode
from modegate.dialects.messages.upstream.output import INSTRUCTION, encode_format, is_any_object
from modegate.dialects.messages.upstream.thinking import encode_thinking
from modegate.dialects.messages.upstream.tools import encode_tools
from modegate.dialects.messages.upstream.turns import BETWEEN, encode_system, encode_turns
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.parameters.param_policy import Effort

Object = dict[str, object]

HIGHEST_TEMPERATURE = 1.0
# Parameters with the same meaning in both APIs. The API rejects most of their values if it is to think.
SAMPLING = frozenset({"temperature", "top_p", "top_k"})
KNOWN = SAMPLING | {"user"}


def encode_request(asked: GenerationRequest, model: str, default_max_tokens: int) -> bytes:
    """Returns the body; the API demands a bound of the answer."""
    messages = asked.conversation.messages
    most = asked.max_tokens or default_max_tokens
    body: Object = {"model": model, "max_tokens": most}
    if system := _system(asked):
        body["system"] = system
    body["messages"] = encode_turns(messages)
    if asked.tools is not None and asked.tools.tools:
        body |= encode_tools(asked.tools)
    if asked.stop:
        body["stop_sequences"] = list(asked.stop)
    if asked.streamed:
        body["stream"] = True
    return encode(body | _reasoning(asked, model, most) | _passed(asked))


def passed_names(asked: GenerationRequest) -> AbstractSet[str]:
    """Returns the parameters that are passed on, by their names in chat completions."""
    thinks = asked.effort not in (None, Effort.NONE)
    return asked.passed.keys() & (KNOWN - SAMPLING if thinks else KNOWN)


def _system(asked: GenerationRequest) -> str:
    texts = [encode_system(asked.conversation.messages)]
    if asked.output is not None and is_any_object(asked.output):
        texts.append(INSTRUCTION)
    return BETWEEN.join(filter(None, texts))


def _reasoning(asked: GenerationRequest, model: str, max_tokens: int) -> Object:
    """Returns the fields for the effort and the format of the answer."""
    fields, config = encode_thinking(asked, model, max_tokens)
    if asked.output is not None and not is_any_object(asked.output):
        config["format"] = encode_format(asked.output)
    return fields | ({"output_config": config} if config else {})


def _passed(asked: GenerationRequest) -> Object:
    names = passed_names(asked)
    passed = {name: it for name, it in asked.passed.items() if name in names}
    fields: Object = {name: it for name, it in passed.items() if name in SAMPLING}
    temperature = fields.get("temperature")
    if isinstance(temperature, int | float):  # of other APIs, the highest is 2
        fields["temperature"] = min(temperature, HIGHEST_TEMPERATURE)
    if isinstance(user := passed.get("user"), str) and user:
        fields["metadata"] = {"user_id": user}
    return fields
