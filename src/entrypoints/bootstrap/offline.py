"""A container whose backends both use a simulated provider."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

from dependency_injector import providers
from pydantic import SecretStr

from modegate.entrypoints.bootstrap.container import Container, close
from modegate.entrypoints.config.settings import Settings

KEY = "sk-simulated"
WORD_DELAY = 0.02


@contextmanager
def simulated_state() -> Iterator[Path]:
    """Creates a temporary folder for simulated gateways and deletes it at the end.

    Errors of the deletion are ignored: a CLI process that briefly outlives its worker may still
    write there.
    """
    with tempfile.TemporaryDirectory(prefix="modegate-", ignore_cleanup_errors=True) as state:
        yield Path(state)


@asynccontextmanager
async def offline_container(
    settings: Settings, environment: Mapping[str, str], *, state: Path | None = None
) -> AsyncIterator[Container]:
    """Opens a container whose backends use a simulated provider on loopback; needs no login.

    The state is in the folder `state`, or in a temporary folder that is deleted at the end.
    """
    # Other gateways do not load it.
    from modegate.simulator.provider import SimulatedProvider  # noqa: PLC0415

    provider = SimulatedProvider(delay=WORD_DELAY)
    with nullcontext(state) if state else simulated_state() as folder:
        async with provider.running() as url:
            simulated = {
                "anthropic_api_key": SecretStr(KEY),
                "openai_api_key": SecretStr(KEY),
                "openai_base_url": f"{url}/v1",
                "openai_passthrough_enabled": True,
                "upstreams": {},
                "default_upstream": None,
                "modegate_state_dir": folder,
            }
            there = {"HOME": str(folder), "ANTHROPIC_BASE_URL": url}

            def serve_as(found: Settings) -> Settings:
                return found.model_copy(update=simulated)

            container = Container(
                settings=serve_as(settings),
                environment=providers.Object({**_without_credentials(environment), **there}),
                serve_as=providers.Object(serve_as),
            )
            try:
                yield container
            finally:  # before the folder is deleted: running processes would still write there
                await close(container)


def _without_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    kept = ("ANTHROPIC_", "CLAUDE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name: value for name, value in environment.items() if not name.upper().startswith(kept)}
