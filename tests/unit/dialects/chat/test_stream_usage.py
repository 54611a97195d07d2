"""The question for a stream's usage in the client's body."""

import json

import pytest

from modegate.dialects.chat.stream_usage import with_usage_asked


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"stream": true }\n', b'{"stream": true ,"stream_options":{"include_usage":true}}\n'),
        (
            b'\xef\xbb\xbf{"a":"}"}',
            b'\xef\xbb\xbf{"a":"}","stream_options":{"include_usage":true}}',
        ),
        (
            b'{"stream_options" : {"include_usage":false}, "n": 1e0}',
            b'{"stream_options" : {"include_usage":true}, "n": 1e0}',
        ),
        (b'{"stream_options": null}', b'{"stream_options": {"include_usage":true}}'),
        (
            b'{"stream_options": {"include_obfuscation": false}}',
            b'{"stream_options": {"include_obfuscation":false,"include_usage":true}}',
        ),
    ],
)
def test_a_body_asks_and_all_its_other_bytes_stay(body: bytes, sent: bytes) -> None:
    assert with_usage_asked(body, json.loads(body.decode("utf-8-sig"))) == sent


@pytest.mark.parametrize("options", [{"include_usage": True}, {"include_usage": "x"}, [], "x", 1])
def test_a_client_that_asks_itself_or_is_wrong_gets_the_upstreams_own_answer(
    options: object,
) -> None:
    params = {"stream_options": options}
    assert with_usage_asked(json.dumps(params).encode(), params) is None
