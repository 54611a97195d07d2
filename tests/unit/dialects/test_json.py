import pytest

from modegate.dialects.json import parse_json_object
from modegate.domain.errors import InvalidRequestError


def test_a_json_object_is_parsed() -> None:
    assert parse_json_object('{"a": "ü", "b": [1, null]}'.encode()) == {"a": "ü", "b": [1, None]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not valid JSON .line 1, column 2"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"a": NaN}', "number"),
        (b'{"a": -Infinity}', "number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"secret-word": x}', "not valid JSON"),
    ],
)
def test_invalid_json_objects_are_rejected_without_quoting_the_body(
    body: bytes, reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason) as caught:
        parse_json_object(body)
    assert "secret-word" not in caught.value.message


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"a": 1}', b'{"a": "\\ud800"}'])
def test_a_byte_order_mark_and_lone_surrogates_are_accepted(body: bytes) -> None:
    assert "a" in parse_json_object(body)
