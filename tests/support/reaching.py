"""Requests that provoke each error of a running gateway."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.batches.state import BatchState
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.capability import Capability
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError
from modegate.entrypoints.http.server.connection import protocol
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend
from modegate.testing.contracts.batch_samples import batch
from modegate.testing.scripted_claude import ScriptedClaude, Step, answer, begin
from support.gateway import CLAUDE, KEY, Gateway, GatewayFactory, replace_upstreams
from support.serving import bare_environment, serving
from support.waiting import until

CHAT = "/v1/chat/completions"
SESSION_HEADER = "X-Claude-Session-ID"
PROMPT = "marked-prompt-7f3a"
OWN_KEY = "sk-cca-marked1234567890"
HANG: Step = {"hang": 0}


@dataclass(frozen=True)
class World:
    """What a test needs to start a gateway and to script its `claude`."""

    start: GatewayFactory
    claude: ScriptedClaude
    folder: Path
    patch: pytest.MonkeyPatch

    def gateway(self, **settings: Any) -> AbstractAsyncContextManager[Gateway]:
        return self.start(**({"claude_path": str(self.claude.path)} | settings))


Answering = asyncio.Task[httpx2.Response]
Reach = Callable[[World], Awaitable[httpx2.Response]]


async def post(
    gateway: Gateway, headers: Mapping[str, str] = CLAUDE, **params: Any
) -> httpx2.Response:
    """Sends a chat request whose prompt is a recognisable marker."""
    messages = [{"role": "user", "content": PROMPT}]
    body = {"model": "sonnet", "messages": messages} | params
    return await gateway.http.post(CHAT, json=body, headers=headers)


def asked(*, settings: Mapping[str, Any] | None = None, times: int = 1, **request: Any) -> Reach:
    """Sends `times` chat requests and returns the last response."""

    async def reach(world: World) -> httpx2.Response:
        async with world.gateway(**(settings or {})) as gateway:
            for _ in range(times):
                response = await post(gateway, **request)
            return response

    return reach


def sent(content: bytes, **headers: str) -> Reach:
    """Sends a chat request with this raw body."""

    async def reach(world: World) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with world.gateway() as gateway:
            return await gateway.http.post(CHAT, content=content, headers=named | CLAUDE)

    return reach


def called(
    method: str,
    path: str,
    *,
    settings: Mapping[str, Any] | None = None,
    body: object = None,
    **headers: str,
) -> Reach:
    """Sends any other request."""

    async def reach(world: World) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with world.gateway(**(settings or {})) as gateway:
            return await gateway.http.request(method, path, headers=named, json=body)

    return reach


NO_DOCUMENT: Step = {
    "emit": {
        "type": "result",
        "subtype": "error_max_structured_output_retries",
        "is_error": True,
        "terminal_reason": "structured_output_retry_exhausted",
    }
}


def claude_does(*steps: Step, stream: bool = False, **settings: Any) -> Reach:
    """Sends a chat request for which `claude` runs the scripted steps."""

    async def reach(world: World) -> httpx2.Response:
        world.claude.script(*steps)
        async with world.gateway(**settings) as gateway:
            return await post(gateway, stream=stream)

    return reach


def upstream_says(status: int, body: bytes, **headers: str) -> Reach:
    """Sends a passthrough request that the upstream answers with this response."""

    async def answer_it(_: Request, reply: Reply) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await reply.whole(status, body, named)

    async def reach(world: World) -> httpx2.Response:
        async with LoopbackServer(answer_it).running() as url:
            settings = {"openai_base_url": f"{url}/v1", "openai_api_key": "sk-marked-server"}
            async with world.gateway(**settings) as gateway:
                return await post(gateway, headers={})

    return reach


def claude_says(status: int) -> Reach:
    """Sends a chat request that the model's API rejects with `status`."""
    told = {"type": "result", "is_error": True, "api_error_status": status, "result": PROMPT}
    return claude_does({"emit": told})


@asynccontextmanager
async def meanwhile(
    gateway: Gateway, claude: ScriptedClaude, **request: Any
) -> AsyncIterator[Answering]:
    """Keeps a turn running that does not end by itself."""
    before = len(claude.starts)
    claude.script(*begin(), HANG)
    hanging = asyncio.create_task(post(gateway, **request))
    await until(lambda: len(claude.starts) > before)
    try:
        yield hanging
    finally:
        hanging.cancel()
        await asyncio.wait({hanging})


async def busy_session(world: World) -> httpx2.Response:
    """Sends a second request to a busy session."""
    world.claude.script(*answer("Hi"))
    async with world.gateway() as gateway:
        session = {SESSION_HEADER: (await post(gateway)).headers[SESSION_HEADER]}
        async with meanwhile(gateway, world.claude, headers=session):
            return await post(gateway, headers=session)


async def no_slot(world: World) -> httpx2.Response:
    """Sends a second request while the only process slot is in use."""
    settings = {"max_concurrent_processes": 1, "pool_queue_timeout_ms": 100}
    async with world.gateway(**settings) as gateway, meanwhile(gateway, world.claude):
        return await post(gateway)


async def invalid_reload(world: World) -> httpx2.Response:
    """Reloads a configuration that is invalid."""

    def load() -> LoadedSettings:
        raise SettingsError(["port: must be a whole number, 1 to 65535 (from modegate.toml)"])

    async with world.gateway(reading={"load": load}, admin_key=OWN_KEY) as gateway:
        return await gateway.http.post("/admin/reload", headers={"x-api-key": OWN_KEY})


async def lacking_capability(world: World) -> httpx2.Response:
    """Asks an upstream for an image that has only the capability for text."""
    async with world.gateway(openai_api_key="sk-marked-server") as gateway:
        (upstream,) = gateway.container.configuration_source().current().routes.upstreams
        limited = replace(upstream, capabilities=frozenset({Capability.TEXT}))
        replace_upstreams(gateway, (limited,))
        return await gateway.http.post("/v1/images/generations", json={"model": "marked"})


async def all_cooling(world: World) -> httpx2.Response:
    """Sends a request after the upstream has rejected both of its credentials."""

    async def reject(_: Request, reply: Reply) -> None:
        await reply.whole(401, b"{}")

    async with LoopbackServer(reject).running() as url:
        settings = {"openai_base_url": f"{url}/v1", "openai_api_key": "sk-marked-server"}
        async with world.gateway(**settings) as gateway:
            (upstream,) = gateway.container.configuration_source().current().routes.upstreams
            second = Credential("second", ApiKey("sk-marked-second"))
            pool = replace(upstream, credentials=(*upstream.credentials, second))
            replace_upstreams(gateway, (pool,))
            await post(gateway, headers={})
            return await post(gateway, headers={})


async def ended_batch(world: World) -> httpx2.Response:
    """Cancels a batch that is completed."""
    async with world.gateway() as gateway:
        done = replace(batch(client=ANONYMOUS.id), state=BatchState.COMPLETED)
        await gateway.container.batch_queue().add(done)
        path = f"/v1/batches/{done.id}/cancel"
        return await gateway.http.post(path, headers=CLAUDE)


async def broken_storage(world: World) -> httpx2.Response:
    """Sends a request while a file blocks the path of the state directory."""
    (world.folder / "state").write_text("a file")
    return await asked()(world)


async def a_bug(world: World) -> httpx2.Response:
    """Sends a request that raises an unexpected exception."""
    async with world.gateway(claude=ScriptedBackend(KeyError(PROMPT))) as gateway:
        return await post(gateway)


@asynccontextmanager
async def ending(world: World, **settings: str) -> AsyncIterator[tuple[Gateway, Answering]]:
    """Yields a draining gateway and the turn that it waits for."""
    environment = bare_environment(world.folder) | {
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(world.claude.path),
        **settings,
    }
    with serving(folder=world.folder, environment=environment) as running:
        async with httpx2.AsyncClient(base_url=running.url, trust_env=False, timeout=30) as http:
            nothing: Any = None
            gateway = Gateway(running.url, nothing, nothing, http, nothing)
            async with meanwhile(gateway, world.claude) as hanging:
                running.process.send_signal(signal.SIGTERM)
                await until(lambda: (running.ask("/health") or {}).get("status") == "draining")
                yield gateway, hanging


async def shutting_down(world: World) -> httpx2.Response:
    """Sends a request to a draining gateway."""
    async with ending(world) as (gateway, _):
        return await post(gateway)


async def cut_off(world: World) -> httpx2.Response:
    """Sends a request that the shutdown of the gateway cuts off."""
    async with ending(world, SHUTDOWN_TIMEOUT_MS="1000") as (_, hanging):
        return await hanging


def on_the_wire(data: bytes, patience: float = protocol.PATIENCE) -> Reach:
    """Sends bytes that are not a complete request."""

    async def reach(world: World) -> httpx2.Response:
        world.patch.setattr(protocol, "PATIENCE", patience)
        async with world.gateway() as gateway:
            return await spoken(gateway, data)

    return reach


async def spoken(gateway: Gateway, data: bytes) -> httpx2.Response:
    """Returns the response of the gateway to these raw bytes."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(dict(headers)["content-length"])
    body = await reader.readexactly(length)
    writer.close()
    return httpx2.Response(int(first.split()[1]), headers=headers, content=body)


def last_event(response: httpx2.Response) -> httpx2.Response:
    """Returns the error event at the end of a stream as a response."""
    *_, error, done, end = response.text.split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    body = json.loads(error.removeprefix("data: "))
    return httpx2.Response(response.status_code, headers=response.headers, json=body)
