"""Tests the team's code against the real gateway, with a scripted backend in place of Claude.

pip install 'modegate[testing]'
pytest test_summary.py
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from summary import summarise

from modegate.domain.errors import CapacityError
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app
from modegate.entrypoints.config.settings import Settings
from modegate.testing.answer_backend import ScriptedBackend, says

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client_of(backend: ScriptedBackend, state: Path) -> AsyncIterator[AsyncOpenAI]:
    """Open an SDK client whose requests stay in this process: no socket, no CLI, no key."""
    container = Container(settings=Settings(modegate_state_dir=state))
    container.answer_backend.override(backend)
    app: Any = build_app(container)  # falcon and httpx2 write the type of an ASGI scope differently
    async with AsyncOpenAI(
        base_url="http://modegate/v1",
        api_key="unused",
        default_headers={"X-Claude-Code": "true"},
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=httpx2.ASGITransport(app)),
    ) as client:
        yield client


async def test_the_answer_is_claudes(tmp_path: Path) -> None:
    """The backend receives the prompt of the team's code, which receives the scripted answer."""
    backend = ScriptedBackend(*says("Gateways ", "connect."))
    async with client_of(backend, tmp_path) as client:
        assert await summarise(client, "A long text.") == "Gateways connect."
    (turn,) = backend.turns
    assert turn.prompt.text == "Summarise in one sentence: A long text."


async def test_without_capacity_it_apologises(tmp_path: Path) -> None:
    """An error of the gateway reaches the team's code as an error of the SDK."""
    backend = ScriptedBackend(CapacityError("All processes are busy."))
    async with client_of(backend, tmp_path) as client:
        assert await summarise(client, "A long text.") == "Too busy to summarise."
