"""The real gateway on loopback, with whatever is to be behind it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from openai import AsyncOpenAI
from support.gateway import KEY, Gateway, GatewayFactory
from support.javascript import install_packages

from modegate.application.redacted import Redacted
from modegate.entrypoints.container import Container
from modegate.entrypoints.server import build_app, build_server, listen
from modegate.entrypoints.settings import Settings
from modegate.testing.provider import StandInProvider

# Tests ask more often than a person does.
FREELY: dict[str, Any] = {"rate_limit_per_ip": 1_000_000, "rate_limit_per_session": 1_000_000}
# Two processes more for every test would cost it a second of a core.
COLD: dict[str, Any] = {"claude_warm_processes": 0}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A host's environment, with a home of its own and a key for Claude."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "ANTHROPIC_API_KEY": KEY}


@pytest.fixture
def gateway(tmp_path: Path, environment: dict[str, str]) -> GatewayFactory:
    """Start a gateway; `claude` replaces its Claude backend, the other arguments are settings."""

    @asynccontextmanager
    async def start(
        *, claude: Any = None, clock: object = None, **settings: Any
    ) -> AsyncIterator[Gateway]:
        container = Container(
            settings=Settings(
                **(FREELY | COLD | {"modegate_state_dir": tmp_path / "state"} | settings)
            ),
            environment=providers.Object(environment),
        )
        if clock is not None:
            container.clock.override(providers.Object(clock))
        if claude is not None:
            container.claude_backend.override(providers.Object(Redacted(claude)))
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = build_server(build_app(container), container)
        serving = asyncio.create_task(server.serve([listener]))
        async with (
            httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
            AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0) as sdk,
        ):
            try:
                yield Gateway(url, container, http, sdk)
            finally:
                server.should_exit = True
                await serving

    return start


@pytest.fixture
async def provider(environment: dict[str, str]) -> AsyncIterator[StandInProvider]:
    """A stand-in for both providers, which the claude CLI of this test asks."""
    stand_in = StandInProvider()
    async with stand_in.running() as url:
        environment["ANTHROPIC_BASE_URL"] = url
        yield stand_in


@pytest.fixture
async def both(gateway: GatewayFactory, provider: StandInProvider) -> AsyncIterator[Gateway]:
    """A gateway with the real claude CLI and the SDK, both against the stand-in."""
    async with gateway(openai_api_key="sk-server", openai_base_url=f"{provider.url}/v1") as running:
        yield running


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the JavaScript examples and the npm packages that they need."""
    return install_packages(tmp_path_factory.mktemp("javascript"))
