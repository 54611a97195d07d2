"""The list of models for Anthropic's SDK: all pages, one model, errors."""

from typing import Any

import anthropic
import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import until

from modegate.simulator.provider import SimulatedProvider


def sdk_of(gateway: Gateway) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=gateway.url, api_key="sk-any", max_retries=0)


async def test_the_sdk_reads_all_pages_in_both_directions(gateway: GatewayFactory) -> None:
    async with (
        SimulatedProvider().running() as provider,
        gateway(openai_base_url=f"{provider}/v1", openai_api_key="sk-server") as running,
        sdk_of(running) as sdk,
    ):
        await running.http.get("/v1/models")
        kept = running.container.model_lists()._kept  # noqa: SLF001
        await until(lambda: all(it.task is None for it in kept.values()))
        whole = await running.http.get(
            "/v1/models?limit=1000", headers={"anthropic-version": "2023-06-01"}
        )
        names = [it["id"] for it in whole.json()["data"]]
        first = await sdk.models.list()
        assert (len(first.data), first.has_more) == (min(20, len(names)), len(names) > 20)
        for limit in (1, 3, 20):
            assert [it.id async for it in sdk.models.list(limit=limit)] == names
        page = await sdk.models.list(limit=3, before_id=names[-1])
        assert [it.id for it in page.data] == names[-4:-1]
        before = [it.id async for it in page]
        assert sorted(before) == sorted(names[:-1])
        assert (await sdk.models.list(after_id=names[-1])).data == []

        others = {it.id async for it in running.sdk.models.list()} - set(names)
        other = next(it for it in others if it.startswith("gpt"))
        for name in (names[0], "claude-code/sonnet", other):
            found = await sdk.models.retrieve(name)
            assert (found.type, found.id) == ("model", name)


async def test_errors_have_anthropics_form(gateway: GatewayFactory) -> None:
    async with gateway() as running, sdk_of(running) as sdk:
        wrong: list[dict[str, Any]] = [
            {"limit": 0},
            {"limit": 1001},
            {"after_id": "claude-nothing"},
            {"before_id": "gpt-4o"},
            {"after_id": "claude-opus-4-6", "before_id": "claude-opus-4-6"},
        ]
        for params in wrong:
            with pytest.raises(anthropic.BadRequestError) as caught:
                await sdk.models.list(**params)
            body: Any = caught.value.body
            assert body["error"]["type"] == "invalid_request_error"
            assert caught.value.request_id == body["request_id"]
        with pytest.raises(anthropic.NotFoundError) as missing:
            await sdk.models.retrieve("claude-nothing")
        told: Any = missing.value.body
        assert told["error"]["type"] == "not_found_error"
        # OpenAI's form has no pages.
        plain = await running.http.get("/v1/models?limit=0&after_id=x")
        assert plain.json()["object"] == "list"
