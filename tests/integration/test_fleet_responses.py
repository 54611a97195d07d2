"""Kept responses at other gateways and workers than those that made them, through OpenAI's SDK."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest
from support.fleet import Member, fleet
from support.gateway import CLAUDE, KEY
from support.redis import redis_server

from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

ADA, BOB = "sk-client-ada-1234567890", "sk-client-bob-1234567890"
PASSTHROUGH: Mapping[str, str] = {}
# Connections over which the requests of a test reach each of two workers.
CONNECTIONS = 8
SESSION = "X-Claude-Session-ID"


def settings(provider: SimulatedProvider) -> dict[str, str]:
    return {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": provider.url,
        "OPENAI_API_KEY": "sk-server",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "API_KEYS": f"{ADA},{BOB}",
    }


@asynccontextmanager
async def sdk(member: Member, key: str = ADA) -> AsyncIterator[openai.AsyncOpenAI]:
    """Opens a client with connections of its own."""
    url = f"http://{member.address}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
        yield client


async def text_of(member: Member, response_id: str, key: str = ADA) -> str | None:
    """Returns the text of a kept response; None if it is unknown."""
    async with sdk(member, key) as client:
        try:
            return (await client.responses.retrieve(response_id)).output_text
        except openai.NotFoundError:
            return None


async def test_a_response_goes_on_at_another_gateway_after_its_own_was_killed(
    tmp_path: Path, provider: SimulatedProvider
) -> None:
    stores = tmp_path / "store"
    stores.mkdir()
    with redis_server(stores, fsync="no") as store:
        shared = settings(provider) | {"MODEGATE_STORE": store.url}
        with fleet(tmp_path, 2, shared) as (home, other):
            made = {}
            for name, mode in (("claude", CLAUDE), ("translated", PASSTHROUGH)):
                provider.script(Says(f"Hello Ada from {name}."))
                async with sdk(home) as client:
                    raw = await client.responses.with_raw_response.create(
                        model="gpt-4o", input=f"I am Ada of {name}.", extra_headers=mode
                    )
                made[name] = (raw.parse().id, raw.headers.get(SESSION))
            home.kill()
            for name, mode in (("claude", CLAUDE), ("translated", PASSTHROUGH)):
                response_id, session = made[name]
                assert await text_of(other, response_id) == f"Hello Ada from {name}."
                assert await text_of(other, response_id, BOB) is None
                provider.script(Says("Ada."))
                async with sdk(other) as client:
                    raw = await client.responses.with_raw_response.create(
                        model="gpt-4o",
                        input="Who am I?",
                        previous_response_id=response_id,
                        extra_headers=mode,
                    )
                    assert raw.parse().output_text == "Ada."
                    assert raw.headers.get(SESSION) == session
                    asked = json.dumps(provider.requests[-1].json)
                    for said in (f"I am Ada of {name}.", f"Hello Ada from {name}.", "Who am I?"):
                        assert said in asked
                    await client.responses.delete(response_id)
                assert await text_of(other, response_id) is None
            async with sdk(other, BOB) as client:
                with pytest.raises(openai.BadRequestError) as caught:
                    await client.responses.create(
                        model="gpt-4o",
                        input="Who?",
                        previous_response_id=raw.parse().id,
                        extra_headers=CLAUDE,
                    )
            assert caught.value.code == "previous_response_not_found"
            store.kill()
            async with sdk(other) as client:
                with pytest.raises(openai.InternalServerError) as away:
                    await client.responses.retrieve(raw.parse().id)
            assert (away.value.status_code, away.value.code) == (503, "storage_unavailable")


async def test_workers_share_responses_which_survive_a_restart(
    tmp_path: Path, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello Ada."))
    with fleet(tmp_path, 1, settings(provider), "--workers", "2") as (member,):
        async with sdk(member) as client:
            made = await client.responses.create(model="gpt-4o", input="I am Ada.")
        for _ in range(CONNECTIONS):
            assert await text_of(member, made.id) == "Hello Ada."
            provider.script(Says("Hello Ada."))
            async with sdk(member) as client:
                made = await client.responses.create(
                    model="gpt-4o", input="Who?", previous_response_id=made.id
                )
            assert "Hello Ada." in json.dumps(provider.requests[-1].json)
        member.stop()
        member.start()
        assert await text_of(member, made.id) == "Hello Ada."
        async with sdk(member) as client:
            await client.responses.delete(made.id)
        for _ in range(CONNECTIONS):
            assert await text_of(member, made.id) is None
