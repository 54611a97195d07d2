"""What is remembered of upstreams without `/responses`."""

import json

import pytest

from modegate.application.answering.missing_responses import MissingResponses
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.clock import FakeClock
from modegate.testing.upstreams import UPSTREAM


def answer(status: int, body: object) -> UpstreamResponse:
    return UpstreamResponse(status, (), json.dumps(body).encode())


@pytest.mark.parametrize(
    "response",
    [
        answer(405, {}),
        answer(404, {"detail": "Not Found"}),
        answer(404, {"error": {"message": "Invalid URL (POST /v1/responses)", "code": None}}),
        answer(404, {"error": {"message": "Unknown request URL", "code": "unknown_url"}}),
        UpstreamResponse(404, (), b"404 page not found"),
    ],
)
def test_an_upstream_without_the_operation_is_asked_again_later(response: UpstreamResponse) -> None:
    clock = FakeClock(100.0)
    missing = MissingResponses(clock, ttl_s=60)
    assert not missing.has(UPSTREAM)
    assert missing.learn(UPSTREAM, response)
    assert missing.has(UPSTREAM)
    clock.advance(60)
    assert not missing.has(UPSTREAM)


@pytest.mark.parametrize(
    "response",
    [
        answer(200, {}),
        answer(400, {"error": {"message": "Not Found"}}),
        answer(404, {"error": {"message": "The model `x` does not exist"}}),
        answer(404, {"error": {"message": "No.", "code": "model_not_found"}}),
        answer(404, {"error": {"message": "No.", "param": "previous_response_id"}}),
    ],
)
def test_other_answers_say_nothing_about_the_operation(response: UpstreamResponse) -> None:
    missing = MissingResponses(FakeClock(), ttl_s=60)
    assert not missing.learn(UPSTREAM, response)
    assert not missing.has(UPSTREAM)
