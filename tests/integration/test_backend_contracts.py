"""Both backends fulfil their port's contract, with the real CLI and the real SDK."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.waiting import until

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.relay import PassthroughBackend
from modegate.domain.upstream_request import UpstreamRequest
from modegate.simulator.api import Fails, Says
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.simulator.provider import SimulatedProvider, Step
from modegate.testing.contracts.answer_backend import AnswerBackendContract
from modegate.testing.contracts.model_catalog import ModelCatalogContract
from modegate.testing.contracts.relay_backend import RelayBackendContract
from modegate.testing.upstreams import UPSTREAM


async def never_reply(_: Request, reply: Reply) -> None:
    await reply.gone.wait()


class TestClaudeBackend(AnswerBackendContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path
        self.backend: ClaudeBackend | None = None

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

    def echoing(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world()

    def failing(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world(Fails(403))

    def silent(self) -> AbstractAsyncContextManager[ClaudeBackend]:
        return self.world(never_reply)

    async def released(self) -> None:
        backend = self.backend
        assert backend is not None
        await until(lambda: backend.status().capacity.active == 0)


class TestPassthroughBackend(RelayBackendContract):
    @pytest.fixture(autouse=True)
    def create_provider(self) -> None:
        self.provider = SimulatedProvider()
        self.upstream = UPSTREAM

    def request(self, text: str = "Hi", *, streamed: bool = False) -> UpstreamRequest:
        messages = [{"role": "user", "content": text}]
        asked = {"model": "gpt-4o", "messages": messages, "stream": streamed}
        return UpstreamRequest(
            upstream=self.upstream, body=json.dumps(asked).encode(), streamed=streamed
        )

    @asynccontextmanager
    async def world(self, *steps: Step, up: bool = True) -> AsyncIterator[PassthroughBackend]:
        self.provider.script(*steps * 3)
        async with self.provider.running() as url:
            base_url = f"{url}/v1" if up else "http://127.0.0.1:1/v1"
            self.upstream = replace(UPSTREAM, base_url=base_url)
            backend = PassthroughBackend(UpstreamOptions(retries=0))
            yield backend
            await backend.aclose()

    def echoing(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world()

    def refusing(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(Fails(self.REFUSAL))

    def unreachable(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(up=False)

    def silent(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world(never_reply)

    async def released(self) -> None:
        await until(lambda: self.provider.under_way == 0)


class TestPassthroughCatalog(ModelCatalogContract):
    def listing(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world({"object": "list", "data": [{"id": name} for name in self.MODELS]})

    def failing(self) -> AbstractAsyncContextManager[PassthroughBackend]:
        return self.world({"object": "none"})

    @asynccontextmanager
    async def world(self, body: dict[str, object]) -> AsyncIterator[PassthroughBackend]:
        async def answer(request: Request, reply: Reply) -> None:
            assert request.path == "/v1/models"
            assert request.headers["authorization"] == f"Bearer {self.credential.key.reveal()}"
            await reply.whole(200, json.dumps(body).encode(), {})

        async with LoopbackServer(answer).running() as url:
            self.upstream = replace(UPSTREAM, base_url=f"{url}/v1")
            backend = PassthroughBackend(UpstreamOptions(retries=0))
            yield backend
            await backend.aclose()
