import json

import pytest

from modegate.adapters.openai_sdk.answers.complete_answer import PARSED_BYTES, whole_answer
from modegate.adapters.openai_sdk.model_list import models_in
from modegate.domain.errors import (
    BadUpstreamResponseError,
    EmptyResponseError,
    GatewayError,
    UpstreamInvalidResponseError,
    UpstreamRefusalError,
)
from modegate.domain.routing.hints import FIREWALL
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse
from modegate.testing.upstreams import UPSTREAM

HEAD = ResponseHead(200, (("content-type", "application/json"), ("openai-version", "1")))
DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000


def answered(body: bytes, head: ResponseHead = HEAD, choices: int = 1) -> UpstreamResponse:
    request = UpstreamRequest(upstream=UPSTREAM, body=b"{}", choices=choices)
    return whole_answer(head, body, says_events=False, request=request)


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [ {} ], "odd": 1.0e-3}\n',
        b'{"choices": [{"message": {"role": "assistant", "content": ""}}]}',
        b'{"choices": [{"message": {"role": "assistant", "content": null}}]}',
        b'\xef\xbb\xbf{"choices": [{}]}',
        b'\n\n {"choices": [{}]}',
        b'{"choices": [{}], "error": null}',
        b'{"choices": [{}], "logprob": NaN, "half": "\\ud800"}',
        b'{"choices": ["%b"]}' % (b"x" * PARSED_BYTES),
    ],
)
def test_a_completion_object_is_relayed_byte_for_byte(body: bytes) -> None:
    assert answered(body) == UpstreamResponse(200, HEAD.headers, body)


@pytest.mark.parametrize(
    ("label", "sent"),
    [
        ("application/problem+json; charset=utf-8", "application/problem+json; charset=utf-8"),
        ("text/plain", "application/json"),
        (None, "application/json"),
    ],
)
def test_the_content_type_is_corrected_to_json(label: str | None, sent: str) -> None:
    headers = () if label is None else (("content-type", label),)
    assert answered(b'{"choices": [{}]}', ResponseHead(200, headers)).headers == (
        ("content-type", sent),
    )


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", EmptyResponseError),
        (b"data: [DONE]\n\n", EmptyResponseError),
        (b": heartbeat\n\n", EmptyResponseError),
        (b"{}", EmptyResponseError),
        (b'{"id": "chatcmpl-1"}', EmptyResponseError),
        (b'{"detail": "Not loaded"}', EmptyResponseError),
        (b'{"choices": null}', EmptyResponseError),
        (b'{"choices": {}}', EmptyResponseError),
        (b'{"choices": []}', EmptyResponseError),
        (b'{"choices": [ ], "a": "%b"}' % (b"x" * PARSED_BYTES), EmptyResponseError),
        (b"data: {}\n\ndata: [DONE]\n\n", EmptyResponseError),
        (b'data: {"choices": []}\n\ndata: [DONE]\n\n', EmptyResponseError),
        (b'{"choices": [', BadUpstreamResponseError),
        (b'{"choices": ["%b"' % (b"x" * PARSED_BYTES), BadUpstreamResponseError),
        (b'{"choices": "\xff"}', BadUpstreamResponseError),
        (b'{"a": 1}\n{"a": 2}', BadUpstreamResponseError),
        (b"[]", BadUpstreamResponseError),
        (DEEP, BadUpstreamResponseError),
        (b"data: " + DEEP + b"\n\ndata: [DONE]\n\n", BadUpstreamResponseError),
        (b"<html>", BadUpstreamResponseError),
        (b"Hello", BadUpstreamResponseError),
        (b'data: {"choices": [{}]}\n\n', UpstreamInvalidResponseError),
        (b'data: {"choices": [{', UpstreamInvalidResponseError),
        (b'data: {"error": {"code": 418}}\n\n', UpstreamRefusalError),
        (b'data: {"choices": []}\n\nevent: error\ndata: {"code": 418}\n\n', UpstreamRefusalError),
        (b'{"error": {"code": 418}}', UpstreamRefusalError),
    ],
)
def test_an_answer_that_is_no_completion_raises_an_error(
    body: bytes, error: type[GatewayError]
) -> None:
    with pytest.raises(error) as caught:
        answered(body)
    if isinstance(caught.value, UpstreamRefusalError):
        assert caught.value.response.status == 418
    if isinstance(caught.value, UpstreamInvalidResponseError | BadUpstreamResponseError):
        assert caught.value.reason
        assert caught.value.is_repeatable is False


def test_a_firewall_page_is_named_in_the_error() -> None:
    page = b"<!DOCTYPE html><title>Attention Required! | Cloudflare</title>"
    with pytest.raises(BadUpstreamResponseError, match=r"web page.*firewall") as caught:
        answered(page)
    assert caught.value.hint == FIREWALL
    with pytest.raises(BadUpstreamResponseError) as caught:
        answered(b"<!DOCTYPE html><title>Welcome</title>")
    assert caught.value.hint is None


def test_events_are_joined_only_if_every_choice_has_finished() -> None:
    def event(index: int) -> bytes:
        choice = {"index": index, "delta": {"content": "x"}, "finish_reason": "stop"}
        return b"data: %b\r\n\r\n" % json.dumps({"choices": [choice]}).encode()

    both = answered(b": hb\r\n\r\n" + event(0) + event(1), choices=2)
    assert isinstance(both.body, bytes)
    assert [it["message"]["content"] for it in json.loads(both.body)["choices"]] == ["x", "x"]
    with pytest.raises(UpstreamInvalidResponseError):
        answered(event(0), choices=2)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}', ["a", "b"]),
        (b'[{"id": "a"}]', ["a"]),
        (b'{"data": [{"id": "a"}, {"id": 3}, {"id": ""}, {}, 1, null]}', ["a"]),
        (b'{"data": []}', []),
    ],
)
def test_invalid_entries_of_a_model_list_are_skipped(body: bytes, ids: list[str]) -> None:
    assert [model["id"] for model in models_in(body)] == ids


@pytest.mark.parametrize("body", [b"", b"<html>", b"3", b"{}", b'{"data": null}', b'["a"]'])
def test_an_invalid_model_list_raises_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamInvalidResponseError):
        models_in(body)
