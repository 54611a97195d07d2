"""Reads complete chat completions, and what they have in common with chunks."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import orjson

from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.usage.estimates import size_of, text_estimate

Object = Mapping[str, object]
NOTHING: Object = MappingProxyType({})

FINISH_REASONS: Mapping[object, FinishReason] = MappingProxyType(
    {
        "length": FinishReason.LENGTH,
        "max_tokens": FinishReason.LENGTH,
        "content_filter": FinishReason.CONTENT_FILTER,
    }
)
# DeepSeek's name, which most servers use, and OpenRouter's.
REASONING = ("reasoning_content", "reasoning")
NO_COMPLETION = "JSON that is no chat completion"


def read_answer(body: bytes) -> Sequence[AnswerEvent]:
    """Returns the events of a `chat.completion`.

    Raises:
        BadUpstreamResponseError: it is none.
    """
    try:
        answer = orjson.loads(body)
    except ValueError:
        raise errors.no_completion(NO_COMPLETION) from None
    choice = first_choice(answer)
    message = None if choice is None else choice.get("message")
    if choice is None or not isinstance(message, dict):
        raise errors.no_completion(NO_COMPLETION)
    return list(_events(answer, choice, message))


def _events(answer: Object, choice: Object, message: Object) -> Iterator[AnswerEvent]:
    yield Started()
    yield MessageStarted()
    size = 0
    if thought := reasoning_in(message):
        size += size_of(thought)
        yield ReasoningDelta(thought)
    if text := text_in(message):
        size += size_of(text)
        yield TextDelta(text)
    calls = list(_calls(message))
    for index, (call_id, name, arguments) in enumerate(calls):
        yield ToolCallStarted(index, call_id or made_id(answer.get("id"), index), name)
        if arguments:
            size += size_of(arguments)
            yield ToolCallDelta(index, arguments)
    usage = read_usage(answer.get("usage"))
    reason = finish_reason(choice.get("finish_reason"), has_calls=bool(calls))
    yield Finished(reason, usage or estimated_usage(size), model_in(answer))


def first_choice(answer: object) -> Object | None:
    """Returns the first choice of a completion or chunk; the others were not asked for."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else None


def reasoning_in(message: Object) -> str:
    """Returns the reasoning in a message or a delta."""
    found = (message.get(name) for name in REASONING)
    return next((it for it in found if isinstance(it, str) and it), "")


def text_in(message: Object) -> str:
    """Returns the text in a message or a delta: also one in parts, and a refusal."""
    content = message.get("content")
    if isinstance(content, list):
        texts = (it.get("text") for it in content if isinstance(it, dict))
        content = "".join(it for it in texts if isinstance(it, str))
    if isinstance(content, str) and content:
        return content
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def finish_reason(reason: object, *, has_calls: bool) -> FinishReason:
    """Returns why the model stopped; some servers name `stop` after calls."""
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is not None:
        return known
    return FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP


def made_id(answer_id: object, index: int) -> str:
    """Returns an id for a call that has none; unique in a conversation, if answers have ids."""
    return f"call_{answer_id}_{index}" if isinstance(answer_id, str) else f"call_{index}"


def estimated_usage(size: int) -> Usage:
    """Returns the usage of an answer of `size` bytes that reports none, without its prompt."""
    return Usage(0, text_estimate(size), estimated=True)


def string_of(value: object) -> str:
    """Returns a string; empty for anything else."""
    return value if isinstance(value, str) else ""


def _calls(message: Object) -> Iterator[tuple[str, str, str]]:
    """Yields the id, the name and the arguments of each call."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            arguments = function.get("arguments")
            if isinstance(arguments, dict):  # Ollama's older versions
                arguments = orjson.dumps(arguments).decode()
            yield string_of(call.get("id")), function["name"], string_of(arguments)
