"""The fields of the request log."""

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.request_log import fields_of

USUAL = {
    "request_id": "req-1",
    "method": "POST",
    "route": "/v1/chat/completions",
    "status": 200,
    "duration_ms": 0.0,
    "key": "****",
    "mode": "claude-code",
    "model": "opus",
}


def record(**values: object) -> RequestRecord:
    given = {name: value for name, value in USUAL.items() if name != "duration_ms"}
    return RequestRecord(**{**given, **values})  # type: ignore[arg-type]


def test_a_usual_record_has_its_fields() -> None:
    assert fields_of(record()) == USUAL


def test_unknown_values_are_omitted() -> None:
    unnamed = {name: value for name, value in USUAL.items() if name != "model"}
    assert fields_of(record(model=None)) == unnamed


def test_rare_values_are_added_even_if_they_are_zero() -> None:
    rare = record(session="s-1", usage=Usage(0, 0), client_left=True)
    added = {"session_id": "s-1", "prompt_tokens": 0, "completion_tokens": 0, "client_left": True}
    assert fields_of(rare) == USUAL | added
    named = {"upstream_request_id": "req_1"}
    assert fields_of(record(**named)) == USUAL | named
