"""A gateway that runs, and ways to ask it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx2
from openai import AsyncOpenAI

from modegate.entrypoints.container import Container

KEY = "sk-ant-test"
CLAUDE = {"X-Claude-Code": "true"}


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs, and ways to ask it."""

    url: str
    container: Container
    http: httpx2.AsyncClient
    sdk: AsyncOpenAI

    async def chat(
        self, model: str = "sonnet", text: str = "Hi", headers: Any = None, **params: Any
    ) -> httpx2.Response:
        """A request for a chat completion."""
        messages = [{"role": "user", "content": text}]
        return await self.http.post(
            "/v1/chat/completions",
            json={"model": model, "messages": messages, **params},
            headers=headers,
        )

    async def claude(self, text: str = "Hi", headers: Any = None, **params: Any) -> httpx2.Response:
        """The same, for Claude Code."""
        return await self.chat(text=text, headers=CLAUDE | (headers or {}), **params)


GatewayFactory = Callable[..., AbstractAsyncContextManager[Gateway]]
