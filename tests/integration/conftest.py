"""Fixtures: the real gateway on loopback and its backends."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from support.gateway import COLD, FREELY, KEY, Gateway, GatewayFactory, running_gateway
from support.javascript import install_packages
from support.redis import EACH_SERVER

from modegate.entrypoints.config.settings import Settings
from modegate.simulator.provider import SimulatedProvider


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the server runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module", params=EACH_SERVER)
def store_kind(request: pytest.FixtureRequest) -> str:
    """The program of the shared store: Redis, and in exhaustive tests Valkey, too."""
    kind: str = request.param
    return kind


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a host, with a temporary home and an Anthropic API key."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "ANTHROPIC_API_KEY": KEY}


@pytest.fixture
def gateway(tmp_path: Path, environment: dict[str, str]) -> GatewayFactory:
    """Starts a gateway; `claude` replaces its Claude backend, the rest are settings."""

    def start(
        *,
        claude: Any = None,
        clock: object = None,
        configuration: Any = None,
        reading: Any = None,
        **settings: Any,
    ) -> AbstractAsyncContextManager[Gateway]:
        chosen = Settings(**(FREELY | COLD | {"modegate_state_dir": tmp_path / "state"} | settings))
        return running_gateway(
            chosen,
            environment,
            claude=claude,
            clock=clock,
            configuration=configuration,
            **(reading or {}),
        )

    return start


@pytest.fixture
async def provider(environment: dict[str, str]) -> AsyncIterator[SimulatedProvider]:
    """A simulator of both providers, to which the claude CLI of this test connects."""
    stand_in = SimulatedProvider()
    async with stand_in.running() as url:
        environment["ANTHROPIC_BASE_URL"] = url
        yield stand_in


@pytest.fixture
async def both(gateway: GatewayFactory, provider: SimulatedProvider) -> AsyncIterator[Gateway]:
    """A gateway with the real claude CLI and the OpenAI SDK, both against the simulator."""
    async with gateway(openai_api_key="sk-server", openai_base_url=f"{provider.url}/v1") as running:
        yield running


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the JavaScript examples and the npm packages that they need."""
    return install_packages(tmp_path_factory.mktemp("javascript"))
