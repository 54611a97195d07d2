"""Hints about an upstream's errors, through the running gateway."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import settled

from modegate.domain.routing.hints import BILLING, FIREWALL, PERMISSION, QUOTA
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

HINT = "X-Modegate-Hint"
JSON = {"content-type": "application/json"}
SPENT = b'{"error": {"message": "No credit.", "code": "insufficient_quota"}}\n'
ALLOWED = b'{"error": {"message": "No."}}'
PAGE = b"<!DOCTYPE html><title>Attention Required! | Cloudflare</title>"
UNKNOWN = b'{"error": {"message": "The server had an error."}}'


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""


@dataclass(frozen=True)
class Asked:
    """A gateway whose upstream gives `answer`, and the lines of the request log."""

    gateway: Gateway
    server: LoopbackServer
    answer: Answer
    caplog: pytest.LogCaptureFixture

    async def __call__(self, status: int, body: bytes, *, stream: bool) -> httpx2.Response:
        self.answer.status, self.answer.body = status, body
        self.caplog.clear()
        response = await self.gateway.chat(stream=stream)
        await settled()
        return response

    def logged(self) -> dict[str, Any]:
        (line,) = (it for it in self.caplog.records if it.name == "modegate.requests")
        fields: dict[str, Any] = vars(line)["fields"]
        return fields


@pytest.fixture
async def ask(gateway: GatewayFactory, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Asked]:
    caplog.set_level("INFO", "modegate.requests")
    answer = Answer()

    async def say(_: Request, reply: Reply) -> None:
        await reply.whole(answer.status, answer.body, {**JSON, HINT: "the upstream's own"})

    server = LoopbackServer(say)
    async with (
        server.running() as url,
        gateway(openai_base_url=f"{url}/v1", openai_api_key="x", upstream_max_retries=1) as running,
    ):
        yield Asked(running, server, answer, caplog)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [(403, SPENT, BILLING), (403, ALLOWED, PERMISSION), (403, PAGE, FIREWALL)],
)
async def test_a_hint_is_in_one_header_and_in_the_log_and_the_error_stays_as_it_came(
    status: int, body: bytes, hint: str, stream: bool, ask: Asked
) -> None:
    response = await ask(status, body, stream=stream)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers.get_list(HINT) == [hint]
    assert ask.logged()["hint"] == hint
    assert ask.logged()["error"] == "upstream_error"
    assert len([it for it in ask.caplog.records if hint in str(vars(it))]) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_that_is_retried_has_its_hint_once(stream: bool, ask: Asked) -> None:
    response = await ask(429, b'{"error": "rate limit"}', stream=stream)
    assert len(ask.server.requests) == 2
    assert response.headers.get_list(HINT) == [QUOTA]
    assert ask.logged()["hint"] == QUOTA


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_with_a_success_status_has_a_hint(stream: bool, ask: Asked) -> None:
    response = await ask(200, SPENT, stream=stream)
    assert (response.status_code, response.content) == (429, SPENT)
    assert response.headers.get_list(HINT) == [BILLING]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_error_of_modegate_has_the_hint_in_its_message(stream: bool, ask: Asked) -> None:
    response = await ask(200, PAGE, stream=stream)
    error = json.loads(response.content)["error"]
    assert (response.status_code, error["code"]) == (502, "bad_upstream_response")
    assert error["message"].count(FIREWALL) == 1
    assert HINT not in response.headers
    assert ask.logged()["hint"] == FIREWALL


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_unknown_error_has_no_hint(stream: bool, ask: Asked) -> None:
    response = await ask(400, UNKNOWN, stream=stream)
    assert (response.status_code, response.content) == (400, UNKNOWN)
    assert HINT not in response.headers
    assert "hint" not in ask.logged()


async def test_the_error_of_a_model_lookup_has_a_hint(ask: Asked) -> None:
    await ask(403, ALLOWED, stream=False)
    response = await ask.gateway.http.get("/v1/models/gpt-9?include=upstream")
    assert (response.status_code, response.content) == (403, ALLOWED)
    assert response.headers.get_list(HINT) == [PERMISSION]
