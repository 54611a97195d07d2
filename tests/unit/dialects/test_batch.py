"""OpenAI's Batch format."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.batch import (
    InvalidLineError,
    duplicate_id,
    item_of,
    parse_item,
    render_failure,
    render_result,
)
from modegate.domain.batches.endpoints import ENDPOINTS
from modegate.domain.batches.item import ItemResult
from modegate.domain.routing.mode import Mode

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
REQUEST: dict[str, Any] = {
    "custom_id": "request-1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": BODY,
}
TEXT = st.text(st.characters(codec="utf-8"))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


def line(**changed: object) -> bytes:
    return json.dumps(REQUEST | changed).encode()


def result(body: bytes, status: int = 200) -> ItemResult:
    return ItemResult(custom_id="request-1", status=status, body=body, request_id="r-1")


def test_a_line_is_a_request() -> None:
    item = parse_item(line(), 1)
    assert (item.custom_id, item.url, item.mode) == ("request-1", "/v1/chat/completions", None)
    assert item.body.params == BODY
    assert orjson.loads(item.body.content) == BODY


def test_a_body_with_a_lone_surrogate_is_sent_on() -> None:
    assert b'"?"' in parse_item(line(body={"user": "\ud800"}), 1).body.content


def test_a_line_may_name_its_mode() -> None:
    assert parse_item(line(mode="claude-code"), 1).mode is Mode.CLAUDE_CODE


@pytest.mark.parametrize("url", ENDPOINTS)
def test_each_endpoint_of_batches_is_known(url: str) -> None:
    assert parse_item(line(url=url), 1).url == url


@pytest.mark.parametrize(
    ("text", "code", "param"),
    [
        (b"", "invalid_json_line", None),
        (b"{", "invalid_json_line", None),
        (b"[1]", "invalid_json_line", None),
        (b'{"custom_id": NaN}', "invalid_json_line", None),
        (b"\xff\xfe", "invalid_json_line", None),
        (b"{}", "missing_required_parameter", "method"),
        (line(custom_id=None), "missing_required_parameter", "custom_id"),
        (line(custom_id=7), "invalid_custom_id", "custom_id"),
        (line(custom_id=""), "invalid_custom_id", "custom_id"),
        (line(custom_id="x" * 513), "invalid_custom_id", "custom_id"),
        (line(custom_id="a\ud800"), "invalid_custom_id", "custom_id"),
        (line(method="GET"), "invalid_method", "method"),
        (line(url="/v1/files"), "invalid_url", "url"),
        (line(url=["/v1/embeddings"]), "invalid_url", "url"),
        (line(body=None), "missing_required_parameter", "body"),
        (line(body=[]), "invalid_body", "body"),
        (line(body=BODY | {"stream": True}), "stream_unsupported", "body.stream"),
        (line(mode="fast"), "invalid_mode", "mode"),
        (line(mode=True), "invalid_mode", "mode"),
    ],
)
def test_a_line_that_is_no_request_is_a_clear_error(
    text: bytes, code: str, param: str | None
) -> None:
    with pytest.raises(InvalidLineError) as raised:
        parse_item(text, 7)
    error = raised.value
    assert (error.code, error.param, error.line) == (code, param, 7)
    assert str(error) == f"Line 7: {error.problem}"
    assert error.problem.endswith(".")


def test_an_object_that_is_no_request_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"^custom_id is missing: add it\.$"):
        item_of({"method": "POST"})


def test_a_second_line_with_an_id_is_a_clear_error() -> None:
    error = duplicate_id(9)
    assert (error.code, error.param, error.line) == ("duplicate_custom_id", "custom_id", 9)


def test_errors_do_not_quote_the_line() -> None:
    with pytest.raises(InvalidLineError) as raised:
        parse_item(b'{"secret": "sk-1', 1)
    assert "sk-1" not in str(raised.value)


def test_a_result_is_in_the_form_of_an_output_file() -> None:
    rendered = render_result(result(b'{"object": "chat.completion"}'))
    assert rendered.endswith(b"}\n")
    told = json.loads(rendered)
    assert told.pop("id").startswith("batch_req_")
    assert told == {
        "custom_id": "request-1",
        "response": {
            "status_code": 200,
            "request_id": "r-1",
            "body": {"object": "chat.completion"},
        },
        "error": None,
    }


def test_a_body_keeps_its_numbers_to_the_digit() -> None:
    body = b'{\r\n  "huge": 123456789012345678901234567890,\n  "small": 1.10\n}\n'
    rendered = render_result(result(body))
    assert b'{"huge": 123456789012345678901234567890,"small": 1.10}' in rendered
    assert rendered.count(b"\n") == 1


def test_a_body_that_is_no_json_is_a_string() -> None:
    rendered = render_result(result(b"<html>\n\xff", 502))
    assert json.loads(rendered)["response"]["body"] == "<html>\n\ufffd"


@given(ANY_JSON, st.sampled_from([None, 2]))
def test_any_json_is_on_one_line_for_every_reader(value: object, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    rendered = render_result(result(body))
    assert len(rendered.decode().splitlines()) == 1
    assert json.loads(rendered)["response"]["body"] == value


def test_line_separators_within_strings_are_escaped() -> None:
    body = '{"text":"a\u2028b\u0085c"}'.encode()
    rendered = render_result(result(body)).decode()
    assert len(rendered.splitlines()) == 1
    assert json.loads(rendered)["response"]["body"]["text"] == "a\u2028b\u0085c"


def test_a_request_without_a_response_has_an_error() -> None:
    told = json.loads(render_failure("request-2", "batch_expired", "Too late."))
    assert told["id"].startswith("batch_req_")
    assert (told["custom_id"], told["response"]) == ("request-2", None)
    assert told["error"] == {"code": "batch_expired", "message": "Too late."}
