"""Every error in each dialect, over HTTP: before an answer, and in the middle of a stream."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from support.error_samples import SAMPLES
from support.gateway import CLAUDE, Gateway, GatewayFactory

from modegate.dialects.messages.errors import BY_CODE, BY_STATUS
from modegate.entrypoints.http.messages.errors import FRAMEWORK, STATUSES, status_of
from modegate.testing.answer_backend import ScriptedBackend, says

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
HI = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"model": "sonnet", "messages": HI},
    RESPONSES: {"model": "sonnet", "input": "Hi"},
    MESSAGES: {"model": "sonnet", "messages": HI, "max_tokens": 9},
}
TYPES_OF_ANTHROPIC = {
    *BY_STATUS.values(),
    *(kind for _, kind in BY_CODE.values()),
    "api_error",
    "invalid_request_error",
}
OF_SAMPLES = {type(it): it for it in SAMPLES.values()}
# One of each kind that has a status; the catalogue makes all but one or two.
ERRORS = [OF_SAMPLES.get(kind) or kind("Why.") for kind in STATUSES]
BEGUN = says("one ", "two ")[:-1]


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend()


@pytest.fixture
async def failing(gateway: GatewayFactory, backend: ScriptedBackend) -> AsyncIterator[Gateway]:
    async with gateway(claude=backend) as running:
        yield running


async def ask(gateway: Gateway, path: str, **changed: object) -> httpx2.Response:
    return await gateway.http.post(path, json=BODIES[path] | changed, headers=CLAUDE)


def check_form(path: str, response: httpx2.Response, error: dict[str, Any]) -> None:
    """Asserts that an error has all fields of its dialect, and no others."""
    assert error["message"]
    if not path.startswith(MESSAGES):
        assert error.keys() == {"message", "type", "param", "code"}
        assert "request-id" not in response.headers
        return
    told = response.json()
    assert told.keys() == {"type", "error", "request_id"}
    assert told["type"] == "error"
    assert error["type"] in TYPES_OF_ANTHROPIC
    assert told["request_id"] == response.headers["request-id"] == response.headers["x-request-id"]


async def test_every_error_before_an_answer_has_the_form_of_its_dialect(
    failing: Gateway, backend: ScriptedBackend
) -> None:
    for error in ERRORS:
        backend.script = (error,)
        for path in BODIES:
            for stream in (False, True):
                response = await ask(failing, path, stream=stream)
                told = response.json()["error"]
                check_form(path, response, told)
                if path != MESSAGES:
                    expected = (*status_of(type(error)), error.code)
                    assert (response.status_code, told["type"], told["code"]) == expected
                elif response.status_code != 529:
                    expected_status = BY_CODE.get(error.code, status_of(type(error)))[0]
                    assert response.status_code == expected_status
                assert "X-Backend-Mode" in response.headers


async def test_every_error_in_a_stream_has_the_form_of_its_dialect(
    failing: Gateway, backend: ScriptedBackend
) -> None:
    for error in ERRORS:
        backend.script = (*BEGUN, error)
        for path in BODIES:
            response = await ask(failing, path, stream=True)
            assert response.status_code == 200, (path, error)
            check_cut(path, response.text)


def check_cut(path: str, text: str) -> None:
    """Asserts that a stream ends with its dialect's event for a cut answer."""
    assert "one " in text
    *_, last = [it for it in text.strip().split("\n\n") if it != "data: [DONE]"]
    told = json.loads(last.rpartition("data: ")[2])
    if path == CHAT:
        assert text.endswith("data: [DONE]\n\n")
        assert told["error"]["code"] == "stream_error"
    elif path == RESPONSES:
        assert last.startswith("event: response.failed\n")
        assert told["response"]["status"] == "failed"
        assert told["response"]["error"]["message"]
    else:
        assert last.startswith("event: error\n")
        assert told["error"]["type"] in TYPES_OF_ANTHROPIC


PLAIN, JSON = {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", BODIES)
async def test_errors_of_the_framework_have_the_form_of_the_path(
    gateway: GatewayFactory, path: str
) -> None:
    below = f"{path}/nothing/below"
    async with gateway(max_json_bytes=2048, max_body_bytes=2048) as running:
        http = running.http
        answers = {
            405: await http.request("PATCH", path, headers=CLAUDE),
            413: await http.post(path, content=b"x" * 40_000_000, headers=JSON | CLAUDE),
            415: await http.post(path, content=b"{}", headers=PLAIN | CLAUDE),
            400: await http.post(path, content=b"{", headers=JSON | CLAUDE),
        }
        if path != RESPONSES:  # what is below it is relayed
            answers[404] = await http.post(below, content=b"{}", headers=JSON | CLAUDE)
    assert {status: it.status_code for status, it in answers.items()} == {it: it for it in answers}
    for response in answers.values():
        check_form(path, response, response.json()["error"])
    assert {404, 405} < FRAMEWORK.keys()


async def test_a_bug_has_the_form_of_the_path(failing: Gateway, backend: ScriptedBackend) -> None:
    backend.script = (ZeroDivisionError("marked"),)
    for path in BODIES:
        response = await ask(failing, path)
        assert response.status_code == 500
        check_form(path, response, response.json()["error"])
        assert "marked" not in response.text
