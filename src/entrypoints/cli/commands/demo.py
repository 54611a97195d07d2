"""`modegate demo`: shows both modes offline, from the view of a client."""

import asyncio
import logging
import os
import tempfile
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import openai
from openai import AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam

from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app, build_server
from modegate.entrypoints.bootstrap.offline import offline_container
from modegate.entrypoints.cli.program_name import command_name
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.value_cleaning import clean, text_fault
from modegate.entrypoints.http.server.listener import listen

QUESTION: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "What is a gateway, in one sentence?"}
]
CLAUDE_CODE = {"X-Claude-Code": "true"}
SHOWN_HEADERS = (
    "x-backend-mode",
    "x-request-id",
    "x-claude-session-id",
    "x-claude-session-created",
    "x-claude-ignored-params",
)
PATIENCE = 60.0
LINE = 74


class DemoError(Exception):
    """A step of the demo failed."""


async def run_demo() -> int:
    """Shows both modes and returns the exit status: 0 if every step succeeded."""
    logging.getLogger("modegate").setLevel(logging.ERROR)
    try:
        async with (
            asyncio.timeout(PATIENCE),
            offline_container(_settings(), os.environ) as container,
            _gateway(container) as url,
            _client(url) as client,
        ):
            _introduce(container, url)
            await _show_all(client)
    except (DemoError, openai.OpenAIError, TimeoutError) as error:
        reason = "timed out" if isinstance(error, TimeoutError) else error
        print(f"\nThe demo failed: {reason}")
        return 1
    print(f"\nThe demo succeeded. Next: `{command_name()} serve`, or add --offline to try it.")
    return 0


def _settings() -> Settings:
    """Returns the default settings, with CLAUDE_PATH as the only value from the environment.

    The state is in a temporary folder.
    """
    path = clean(os.environ.get("CLAUDE_PATH", "")).value
    if fault := text_fault(path):
        raise DemoError(f"CLAUDE_PATH: {fault}")
    return Settings(claude_path=path or None, modegate_state_dir=Path(tempfile.gettempdir()))


@asynccontextmanager
async def _gateway(container: Container) -> AsyncIterator[str]:
    listener = listen("127.0.0.1", 0)
    server = build_server(build_app(container, offline=True), container)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _introduce(container: Container, url: str) -> None:
    if not container.check_health().execute().answering[CLAUDE].executable:
        raise DemoError(
            "there is no claude executable: install claude-agent-sdk, or set CLAUDE_PATH"
        )
    print(f"modegate {version('modegate')} at {url}, asked by the openai SDK {version('openai')}")
    print("The gateway, the claude CLI and the SDK are real. The model is SIMULATED: a stand-in")
    print("provider on loopback answers for both APIs, so nothing leaves this machine.")


async def _show_all(client: AsyncOpenAI) -> None:
    await _show("Passthrough", lambda: _ask(client, "gpt-4o", {}))
    await _show("Passthrough, streaming", lambda: _ask_streaming(client, "gpt-4o", {}))
    await _show("Claude Code", lambda: _ask(client, "sonnet", CLAUDE_CODE))
    await _show("Claude Code, streaming", lambda: _ask_streaming(client, "sonnet", CLAUDE_CODE))
    await _show("An error", lambda: _fail(client))


async def _show(title: str, act: Callable[[], Awaitable[None]]) -> None:
    print(f"\n── {title} " + "─" * (LINE - 4 - len(title)))
    await act()


def _client(url: str) -> AsyncOpenAI:
    """Returns an SDK client without a proxy, because a proxy cannot reach loopback."""
    direct = DefaultAsyncHttpxClient(trust_env=False)
    return AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0, http_client=direct)


async def _ask(client: AsyncOpenAI, model: str, headers: Mapping[str, str]) -> None:
    began = time.perf_counter()
    response = await client.chat.completions.with_raw_response.create(
        model=model, messages=QUESTION, temperature=0.5, extra_headers=headers
    )
    elapsed = time.perf_counter() - began
    completion = response.parse()
    assert isinstance(completion, ChatCompletion)  # noqa: S101 - narrows the type
    text = completion.choices[0].message.content
    if not text:
        raise DemoError("the answer is empty")
    print(f"{model}: {text}")
    _show_headers(response.headers)
    print(f"   answered in {elapsed * 1000:.0f} ms")


async def _ask_streaming(client: AsyncOpenAI, model: str, headers: Mapping[str, str]) -> None:
    began = time.perf_counter()
    first: float | None = None
    finish: str | None = None
    response = await client.chat.completions.with_raw_response.create(
        model=model, messages=QUESTION, stream=True, extra_headers=headers
    )
    stream = response.parse()
    assert isinstance(stream, AsyncStream)  # noqa: S101 - narrows the type
    print(f"{model}: ", end="", flush=True)
    async for chunk in stream:
        assert isinstance(chunk, ChatCompletionChunk)  # noqa: S101 - narrows the type
        for choice in chunk.choices:
            if choice.delta.content:
                first = first or time.perf_counter() - began
                print(choice.delta.content, end="", flush=True)
            finish = choice.finish_reason or finish
    print()
    if first is None or finish is None:
        raise DemoError("the stream was cut")
    _show_headers(response.headers)
    print(f"   first token after {first * 1000:.0f} ms, finish reason {finish}")


async def _fail(client: AsyncOpenAI) -> None:
    try:
        await client.chat.completions.create(
            model="o1", messages=QUESTION, extra_headers=CLAUDE_CODE
        )
    except openai.BadRequestError as error:
        print(f"o1, with Claude Code: HTTP {error.status_code} {error.code}")
        told = str(error.body["message"] if isinstance(error.body, dict) else error)
        print(textwrap.indent(textwrap.fill(told, LINE, break_on_hyphens=False), "   "))
        return
    raise DemoError("an unknown model was accepted")


def _show_headers(headers: Mapping[str, str]) -> None:
    for name in SHOWN_HEADERS:
        if name in headers:
            print(f"   {name}: {headers[name]}")
