"""The usage in answers that are relayed unchanged."""

import json
import pickle

import pytest

from modegate.adapters.openai_sdk.answers.usage.content import (
    ENDS_BYTES,
    PARSED_BYTES,
    EventUsage,
    JsonUsage,
    content_usage,
    usage_in_body,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.routing.operation import Spending

REPORT = {"prompt_tokens": 8, "total_tokens": 8}
RESPONSE = {"model": "m-1", "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}


def noted(body: bytes, size: int) -> JsonUsage:
    usage = JsonUsage()
    for at in range(0, len(body), size):
        usage.note(body[at : at + size])
    return usage


@pytest.mark.parametrize("filler", [0, PARSED_BYTES - 20, PARSED_BYTES + 5, PARSED_BYTES * 3])
@pytest.mark.parametrize("size", [1000, PARSED_BYTES - 1, 10**7])
def test_json_of_any_length_has_its_usage_at_its_beginning_or_its_end(
    filler: int, size: int
) -> None:
    data = "x" * filler
    for answer in (
        {"data": data, "model": "m-1", "usage": REPORT},
        {"usage": REPORT, "model": "m-1", "data": data},
    ):
        usage = noted(json.dumps(answer).encode(), size)
        assert usage.total(30, estimates=True) == (Usage(8, 0), "m-1")


def test_only_a_bounded_part_of_json_is_kept() -> None:
    usage = noted(b"x" * PARSED_BYTES * 10, 1000)
    assert len(pickle.dumps(usage)) < PARSED_BYTES + ENDS_BYTES + 1000


def test_json_without_a_usage_is_estimated_only_if_it_spends_tokens() -> None:
    for body in (b'{"data": []}', b'{"data": ', b"[]", b"", b'{"usage": {"seconds": 3}}'):
        assert noted(body, 99).total(30, estimates=False)[0] is None
        assert noted(body, 99).total(30, estimates=True)[0] == Usage(10, 0, estimated=True)


def event(kind: str, **data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps(data | {"type": kind}).encode())


DELTAS = [
    event("response.created", response={"model": "m-1", "usage": None}),
    event("response.output_text.delta", delta='say \\"usage\\": {} '),
    event("response.output_text.delta", delta="x" * 24),
]


def test_the_last_event_of_a_response_has_its_usage() -> None:
    usage = EventUsage()
    for piece in (*DELTAS, event("response.completed", response=RESPONSE)):
        usage.note(piece)
    assert usage.total(30, estimates=True) == (Usage(3, 4), "m-1")


def test_a_response_that_was_cut_is_estimated_from_its_deltas() -> None:
    usage = EventUsage()
    for piece in DELTAS:
        usage.note(piece)
    found, model = usage.total(30, estimates=True)
    assert model == "m-1"
    assert found is not None
    assert found.prompt_tokens == 10
    assert 9 <= found.completion_tokens <= 13
    assert found.estimated
    assert usage.total(30, estimates=False)[0] is None


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/json", JsonUsage),
        ("application/problem+json", JsonUsage),
        ("text/event-stream", EventUsage),
        ("audio/mpeg", type(None)),
    ],
)
def test_only_json_and_events_are_observed(media_type: str, kind: type) -> None:
    assert isinstance(content_usage(media_type, Spending.REPORTED), kind)
    assert content_usage(media_type, Spending.NOTHING) is None


def test_an_answer_of_text_is_observed_whatever_its_media_type() -> None:
    assert isinstance(content_usage("text/plain", Spending.TOKENS), JsonUsage)


def test_a_long_completion_has_its_usage_or_an_estimate() -> None:
    choices = [{"message": {"content": "x" * PARSED_BYTES}}]
    report = {"prompt_tokens": 3, "completion_tokens": 4}
    body = json.dumps({"model": "m-1", "choices": choices, "usage": report}).encode()
    assert usage_in_body(body, 30) == (Usage(3, 4), "m-1")
    usage, model = usage_in_body(json.dumps({"model": "m-1", "choices": choices}).encode(), 30)
    assert model == "m-1"
    assert usage.estimated
    assert usage.completion_tokens >= PARSED_BYTES // 4
