"""A running gateway and clients for it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from dependency_injector import providers
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from modegate.domain.routing.upstream import Upstream
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.control import Control
from modegate.entrypoints.bootstrap.http import build_gateway, build_server
from modegate.entrypoints.bootstrap.reading import Reading, noop
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings
from modegate.entrypoints.http.server.listener import listen

KEY = "sk-ant-test"
CLAUDE = {"X-Claude-Code": "true"}
# The gateways speak plain HTTP. By default each client reads the system's authorities, which takes
# tens of milliseconds, longer than the gateway's start.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Gateway:
    """A running gateway and clients for it."""

    url: str
    container: Container
    control: Control
    http: httpx2.AsyncClient
    sdk: AsyncOpenAI

    async def chat(
        self, model: str = "sonnet", text: str = "Hi", headers: Any = None, **params: Any
    ) -> httpx2.Response:
        """Sends a chat completion request."""
        messages = [{"role": "user", "content": text}]
        return await self.http.post(
            "/v1/chat/completions",
            json={"model": model, "messages": messages, **params},
            headers=headers,
        )

    async def claude(self, text: str = "Hi", headers: Any = None, **params: Any) -> httpx2.Response:
        """Sends a chat completion request in Claude Code mode."""
        return await self.chat(text=text, headers=CLAUDE | (headers or {}), **params)


@asynccontextmanager
async def running_gateway(
    settings: Settings,
    environment: Mapping[str, str],
    *,
    claude: Any = None,
    clock: object = None,
    configuration: object = None,
    load: Callable[[], LoadedSettings] | None = None,
    set_log_level: Callable[[str], None] = noop,
    port: int = 0,
) -> AsyncIterator[Gateway]:
    """Runs a gateway on `port`, 0 for a free one; `claude` replaces its answer backend.

    `configuration` replaces its configuration source. `load` reads the settings at a reload.
    """
    container = Container(settings=settings, environment=providers.Object(environment))
    if clock is not None:
        container.clock.override(providers.Object(clock))
    if configuration is not None:
        container.configuration_source.override(providers.Object(configuration))
    if claude is not None:
        container.answer_backend.override(providers.Object(claude))
    listener = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loaded = LoadedSettings(settings, {})
    reading = Reading(loaded=loaded, load=load or (lambda: loaded), set_log_level=set_log_level)
    built = build_gateway(container, reading)
    server = build_server(built.app, container)
    serving = asyncio.create_task(server.serve([listener]))
    async with (
        httpx2.AsyncClient(
            base_url=url, timeout=30, trust_env=False, verify=NO_AUTHORITIES
        ) as http,
        AsyncOpenAI(
            base_url=f"{url}/v1",
            api_key="unused",
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(verify=NO_AUTHORITIES),
        ) as sdk,
    ):
        try:
            yield Gateway(url, container, built.control, http, sdk)
        finally:
            server.should_exit = True
            await serving


# Tests send more requests than the default rate limits allow.
FREELY: dict[str, Any] = {"rate_limit_per_ip": 1_000_000, "rate_limit_per_session": 1_000_000}

# Prewarming two processes would cost each test a second of CPU time.
COLD: dict[str, Any] = {"claude_warm_processes": 0, "claude_warm_models": ()}

GatewayFactory = Callable[..., AbstractAsyncContextManager[Gateway]]


def replace_upstreams(gateway: Gateway, upstreams: tuple[Upstream, ...]) -> None:
    """Replaces the upstreams of a running gateway."""
    source = gateway.container.memory_configuration()
    current = source.current()
    source.replace(replace(current, routes=replace(current.routes, upstreams=upstreams)))
