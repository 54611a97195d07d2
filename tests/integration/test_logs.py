"""Logging: one line per request, and none of its contents."""

import asyncio
import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import settled, until

from modegate.entrypoints.bootstrap.log_config import JsonFormatter, configure_logging
from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word

PROMPT, ANSWER, SYSTEM = "marked-prompt-7f3a", "marked-answer-91bc", "marked-system-55d0"
KEY, UPSTREAM_KEY = "sk-cca-markedkey1234567890", "sk-upstream-marked1234567890"
MARKS = ("marked", PROMPT, ANSWER)
HEADERS = {"Authorization": f"Bearer {KEY}", "X-OpenAI-API-Key": UPSTREAM_KEY}


@pytest.fixture(params=["json", pytest.param("pretty", marks=pytest.mark.exhaustive)])
def lines(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[str]]]:
    """Everything that the gateway logs at its lowest level."""
    target = io.StringIO()
    root, own = logging.getLogger(), logging.getLogger("modegate")
    before = (root.handlers, root.level, own.level)
    configure_logging("trace", request.param)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(target)
    yield lambda: target.getvalue().splitlines()
    root.handlers = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def messages(text: str = PROMPT) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


async def everything(gateway: Gateway, provider: SimulatedProvider) -> None:
    """Calls every route and causes many failures, with marks in all client data."""
    http = gateway.http
    for path in ("/live", "/health", "/v1/models", "/v1/models/marked", "/marked?key=marked"):
        await http.get(path, headers=HEADERS)
    for headers in (HEADERS, HEADERS | CLAUDE):
        for stream in (False, True):
            for step in (Says(ANSWER), Says(ANSWER, cut_after=0), Fails(400, ANSWER), Fails(401)):
                provider.script(step, step, step)
                body = {"model": "gpt-4o", "stream": stream, "messages": messages()}
                await http.post("/v1/chat/completions", json=body, headers=headers)
                provider.clear()
        for content in (
            b"{marked",
            b"[" * 5000,
            b'{"marked": 1}',
            b"marked" * 300_000,
            b"\xffmarked",
        ):
            typed = headers | {"Content-Type": "application/json"}
            await http.post("/v1/chat/completions", content=content, headers=typed)
        await http.post("/v1/chat/completions", content=b"marked", headers=headers)
        for odd in ({"tools": ["marked"]}, {"model": "marked" * 60}, {"marked": "marked"}):
            sent = {"model": "sonnet", "messages": messages()} | odd
            await http.post("/v1/chat/completions", json=sent, headers=headers)
    wrong = {"Authorization": "Bearer marked-wrong-key"}
    await http.get("/v1/sessions", headers=wrong)
    (session, *_) = (await http.get("/v1/sessions", headers=HEADERS)).json()["data"]
    await http.delete(f"/v1/sessions/{session['id']}", headers=HEADERS)
    await http.delete("/v1/sessions/marked", headers=HEADERS)
    await http.get("/v1/sessions", headers=HEADERS | {"X-Claude-Session-ID": "marked"})


async def test_prompts_answers_and_keys_are_never_logged(
    gateway: GatewayFactory, provider: SimulatedProvider, lines: Callable[[], list[str]]
) -> None:
    settings = {"api_key": KEY, "openai_base_url": f"{provider.url}/v1", "upstream_max_retries": 0}
    async with gateway(**settings) as running:
        await everything(running, provider)
    logged = lines()
    assert len(logged) > 40
    found = [line for line in logged for mark in MARKS if mark in line.replace("sk-cca-****", "")]
    assert not [
        line for line in found if '"model": "marked' not in line and "model=marked" not in line
    ]


async def test_process_output_is_logged_only_redacted(
    gateway: GatewayFactory, tmp_path: Path, lines: Callable[[], list[str]]
) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder)
    said = f"boom at /home/marked/x {KEY} while answering {PROMPT} in {SYSTEM}\n"
    async with gateway(claude_path=str(claude.path), request_timeout_ms=1500) as running:
        for steps in (
            [{"stderr": said}, {"exit": 1}],
            [{"stderr": said}, *answer(ANSWER)],
            [{"write": said}, {"exit": 0}],
            [*begin(), word(ANSWER), {"stderr": said}, {"kill": 9}],
            [{"stderr": said}, {"hang": 0}],
        ):
            claude.script(*steps)
            for stream in (False, True):
                body = {"model": "sonnet", "stream": stream, "messages": messages()}
                await running.http.post("/v1/chat/completions", json=body, headers=CLAUDE)
    assert not [line for line in lines() if "marked" in line]


async def test_an_unexpected_exception_is_logged_without_its_message(
    gateway: GatewayFactory, lines: Callable[[], list[str]]
) -> None:
    class Broken:
        def generate(self, _: object) -> NoReturn:
            try:
                os.environ[PROMPT]
            except KeyError as error:
                raise ValueError(ANSWER) from error
            raise AssertionError

    async with gateway(claude=Broken()) as running:
        response = await running.claude()
    assert response.status_code == 500
    logged = "\n".join(lines())
    assert "marked" not in logged
    assert "ValueError" in logged
    assert "KeyError" in logged
    assert "test_logs.py" in logged


def of_requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [
        json.loads(JsonFormatter().format(record))
        for record in caplog.records
        if record.name == "modegate.requests"
    ]


async def test_each_request_is_logged_as_one_line(
    gateway: GatewayFactory, provider: SimulatedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "modegate")
    mine = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "mine-1"}
    async with gateway(api_key=KEY, openai_base_url=f"{provider.url}/v1") as running:
        answered = await running.claude(headers=mine)
        await settled()
        await running.claude(headers=mine, stream=True)
        await settled()
        await running.chat("gpt-4o", headers=mine | {"X-OpenAI-API-Key": "sk-theirs"})
        await settled()
        await running.http.get("/live")
        await running.claude()
        for path in ("/v1/sessions", "/v1/models?include=upstream"):
            await running.http.get(path, headers={"Authorization": "Bearer sk-abc-0123456789wxyz"})
        await running.http.get("/v1/sessions", headers={"Authorization": "Bearer pass"})
        await settled()
    whole, streamed, passed, live, refused, *others = of_requests(caplog)
    assert whole.pop("time")
    assert whole.pop("duration_ms") > 0
    tokens = (whole.pop("prompt_tokens"), whole.pop("completion_tokens"))
    assert tokens == tuple(
        answered.json()["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    assert whole == {
        "level": "info",
        "logger": "modegate.requests",
        "message": "request",
        "request_id": "mine-1",
        "method": "POST",
        "route": "/v1/chat/completions",
        "status": 200,
        "key": "sk-cca-****7890",
        "mode": "claude-code",
        "model": "sonnet",
        "session_id": answered.headers["X-Claude-Session-ID"],
    }
    assert streamed["completion_tokens"] == tokens[1]
    assert (passed["mode"], passed["model"]) == ("openai-passthrough", "gpt-4o")
    assert (live["route"], live["status"]) == ("/live", 200)
    assert (refused["status"], refused["error"]) == (401, "missing_api_key")
    assert "key" not in refused
    assert [(line["status"], line["error"]) for line in others] == [(401, "invalid_api_key")] * 3
    assert [line["key"] for line in others] == ["sk-abc-****wxyz", "sk-abc-****wxyz", "****"]


async def test_a_client_disconnect_is_logged_with_status_499(
    gateway: GatewayFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "modegate")
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder, {"hang": 0})
    async with gateway(claude_path=str(claude.path)) as running:
        asking = asyncio.create_task(running.claude())
        await until(lambda: claude.starts)
        asking.cancel()
        await until(lambda: of_requests(caplog))
    (left,) = of_requests(caplog)
    assert (left["status"], left["client_left"]) == (499, True)
