"""The results of the Python API: the same types in both modes."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

import orjson

from modegate.dialects.chat.response import render_completion
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.errors.catalogue import backend
from modegate.domain.request_record import RequestRecord
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer.

    `session_id` continues the conversation in Claude Code; None in passthrough. `cost_usd` is None
    if no price is known. `raw` is the `chat.completion` object; of a stream in passthrough it is
    the last chunk.
    """

    text: str
    finish_reason: str | None
    usage: Usage | None
    model: str
    session_id: str | None = None
    cost_usd: float | None = None
    request_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A piece of a streamed answer; `text` may be empty. `raw` is an upstream's chunk."""

    text: str
    raw: Mapping[str, Any] | None = field(default=None, repr=False)


def generated_answer(frame: AnswerFrame, completion: Completion, record: RequestRecord) -> Answer:
    """Returns an answer of Claude Code."""
    return Answer(
        text=completion.text,
        finish_reason=completion.finish_reason,
        usage=completion.usage,
        model=frame.model,
        session_id=frame.session_id,
        cost_usd=record.cost_usd,
        request_id=record.request_id or "",
        raw=orjson.loads(render_completion(frame, completion)),
    )


def relayed_answer(content: bytes, record: RequestRecord) -> Answer:
    """Returns the answer in the body of an upstream's response.

    Raises:
        BackendCrashedError: if the body is no `chat.completion` object.
    """
    try:
        raw = orjson.loads(content)
        choice = raw["choices"][0]
        text, reason = choice["message"].get("content"), choice.get("finish_reason")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        raise backend.ended_early() from None
    return Answer(
        text=text if isinstance(text, str) else "",
        finish_reason=reason,
        usage=read_usage(raw.get("usage")) or record.usage,
        model=model_in(raw) or record.model or "",
        cost_usd=record.cost_usd,
        request_id=record.request_id or "",
        raw=raw,
    )
