"""Both backends keep the port, on the real thing."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from support.waiting import until

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.relay import PassthroughBackend
from modegate.domain.access.client import ApiKey
from modegate.domain.turn import ClaudeTurn, PassthroughTurn
from modegate.simulator.api import Fails, Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider, Step
from modegate.testing.contracts.answer_backend import CompletionBackendContract
from modegate.testing.turns import claude_turn


async def never(_: Request, reply: Reply) -> None:
    await reply.gone.wait()


class TestClaudeBackend(CompletionBackendContract[ClaudeTurn]):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path
        self.backend: ClaudeBackend | None = None

    def turn(self) -> ClaudeTurn:
        return claude_turn()

    @asynccontextmanager
    async def world(self, *steps: Step) -> AsyncIterator[ClaudeBackend]:
        provider = SimulatedProvider()
        provider.script(*steps * 3)
        async with provider.running() as url:
            self.backend = ClaudeBackend(
                ClaudeOptions(
                    state=self.path,
                    environment={
                        "PATH": os.environ["PATH"],
                        "HOME": str(self.path),
                        "ANTHROPIC_API_KEY": "sk-ant-test",
                        "ANTHROPIC_BASE_URL": url,
                    },
                )
            )
            yield self.backend
            await self.backend.aclose()

    def answering(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world(Says(self.ANSWER))

    def failing(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world(Fails(403))

    def silent(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world(never)

    async def released(self) -> None:
        backend = self.backend
        assert backend is not None
        await until(lambda: backend.status().capacity.active == 0)


class TestPassthroughBackend(CompletionBackendContract[PassthroughTurn]):
    @pytest.fixture(autouse=True)
    def nothing(self) -> None:
        self.provider = SimulatedProvider()

    def turn(self) -> PassthroughTurn:
        return PassthroughTurn(body=b'{"model":"gpt-4o","messages":[]}')

    @asynccontextmanager
    async def world(self, *steps: Step) -> AsyncIterator[PassthroughBackend]:
        self.provider.script(*steps * 3)
        async with self.provider.running() as url:
            options = UpstreamOptions(base_url=f"{url}/v1", api_key=ApiKey("k"), retries=0)
            backend = PassthroughBackend(options)
            yield backend
            await backend.aclose()

    def answering(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(Says(self.ANSWER))

    def failing(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(Fails(400))

    def silent(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(never)

    async def released(self) -> None:
        await until(lambda: self.provider.under_way == 0)
