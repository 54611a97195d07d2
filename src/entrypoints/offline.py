"""The gateway with a simulated model behind both of its modes."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from dependency_injector import providers
from pydantic import SecretStr

from modegate.entrypoints.container import Container, close
from modegate.entrypoints.settings import Settings
from modegate.testing.provider import StandInProvider

KEY = "sk-simulated"
WORD_DELAY = 0.02


@asynccontextmanager
async def offline_container(
    settings: Settings, environment: Mapping[str, str]
) -> AsyncIterator[Container]:
    """A container whose backends both talk to a stand-in provider on loopback.

    It keeps its state in a folder of its own, which goes with it, and touches no login.
    """
    provider = StandInProvider(delay=WORD_DELAY)
    with tempfile.TemporaryDirectory(prefix="modegate-") as state:
        async with provider.running() as url:
            simulated = settings.model_copy(
                update={
                    "anthropic_api_key": SecretStr(KEY),
                    "openai_api_key": SecretStr(KEY),
                    "openai_base_url": f"{url}/v1",
                    "openai_passthrough_enabled": True,
                    "modegate_state_dir": Path(state),
                }
            )
            container = Container(
                settings=simulated,
                environment=providers.Object(
                    {
                        **_without_credentials(environment),
                        "HOME": state,
                        "ANTHROPIC_BASE_URL": url,
                    }
                ),
            )
            try:
                yield container
            finally:  # a process that still writes would keep its folder from being removed
                await close(container)


def _without_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    kept = ("ANTHROPIC_", "CLAUDE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name: value for name, value in environment.items() if not name.upper().startswith(kept)}
