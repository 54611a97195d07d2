"""Translated answers that are longer than what the gateway holds of one."""

from collections.abc import AsyncIterator

import openai
import pytest
from support.gateway import Gateway, GatewayFactory

from modegate.application.answering import translated_events
from modegate.domain.answer import growing_text
from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

MOST = 2_000
LONG = "word " * MOST


@pytest.fixture
async def upstream() -> AsyncIterator[SimulatedProvider]:
    provider = SimulatedProvider()
    async with provider.running():
        yield provider


@pytest.fixture
async def running(
    gateway: GatewayFactory, upstream: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    monkeypatch.setattr(translated_events, "MAX_ANSWER_BYTES", MOST)
    monkeypatch.setattr(growing_text, "MAX_CHARACTERS", MOST)
    credentials = [{"id": "a", "key": "sk-a"}]
    table = {"kind": "anthropic", "base_url": upstream.url, "credentials": credentials}
    async with gateway(upstreams={"claude": table}, upstream_max_retries=0) as found:
        upstream.script(Says(LONG))
        yield found


async def test_a_complete_answer_gets_an_error(running: Gateway) -> None:
    with pytest.raises(openai.InternalServerError, match="The upstream's answer is longer"):
        await running.sdk.responses.create(model="claude-mock", input="Hi", store=False)


@pytest.mark.parametrize("store", [True, False])
async def test_a_streamed_response_fails(running: Gateway, store: bool) -> None:
    stream = await running.sdk.responses.create(
        model="claude-mock", input="Hi", store=store, stream=True
    )
    *_, last = [event async for event in stream]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert "longer than" in last.response.error.message


async def test_streams_that_hold_nothing_have_no_bound(running: Gateway) -> None:
    stream = await running.sdk.chat.completions.create(
        model="claude-mock", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    chunks = [chunk async for chunk in stream]
    said = "".join(it.choices[0].delta.content or "" for it in chunks if it.choices)
    assert said.strip() == LONG.strip()
