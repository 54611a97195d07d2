"""Tools and images sent by SDKs: relayed to the upstream; Claude Code takes the images.

docs/sdks.md lists the SDKs for which this was run.
"""

import base64
from collections.abc import Callable
from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from support.gateway import Gateway
from support.pictures import PNG, image, text

from modegate.simulator.provider import SimulatedProvider

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
SHOWN: Any = [{"role": "user", "content": [text("What is it?"), image(PNG)]}]
ASKED = [{"role": "user", "content": "Rain?"}]
CLAUDE = {"X-Claude-Code": "true"}


async def by_openai(gateway: Gateway, model: str, headers: dict[str, str], **body: Any) -> None:
    await gateway.sdk.chat.completions.create(model=model, extra_headers=headers, **body)


async def by_langchain(
    gateway: Gateway, model: str, headers: dict[str, str], *, messages: Any, tools: Any = None
) -> None:
    async with openai.DefaultAsyncHttpxClient(trust_env=False) as client:  # else it is never closed
        chat = ChatOpenAI(
            model=model,
            base_url=f"{gateway.url}/v1",
            api_key=SecretStr("unused"),
            default_headers=headers,
            max_retries=0,
            http_async_client=client,
        )
        asked: Any = chat.bind_tools(tools) if tools else chat
        await asked.ainvoke(messages)


@pytest.mark.parametrize("ask", [by_openai, by_langchain])
async def test_tools_are_relayed_upstream(
    ask: Callable[..., Any], both: Gateway, provider: SimulatedProvider
) -> None:
    body = {"messages": ASKED, "tools": [WEATHER]}
    await ask(both, "gpt-4o", {}, **body)
    (request,) = provider.requests
    assert {name: request.json[name] for name in body} == body


@pytest.mark.parametrize("ask", [by_openai, by_langchain])
async def test_images_are_relayed_upstream_and_answered_by_claude_code(
    ask: Callable[..., Any], both: Gateway, provider: SimulatedProvider
) -> None:
    await ask(both, "gpt-4o", {}, messages=SHOWN)
    assert provider.requests[-1].json["messages"] == SHOWN
    await ask(both, "sonnet", CLAUDE, messages=SHOWN)
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    received: Any = provider.requests[-1].json["messages"]
    assert [it["source"] for it in received[0]["content"] if it["type"] == "image"] == [source]
