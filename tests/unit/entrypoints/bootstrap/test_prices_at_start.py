"""Prices are there before the first request."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from modegate.entrypoints.bootstrap.container import Container, close
from modegate.entrypoints.bootstrap.http import build_app
from modegate.entrypoints.config.settings import Settings
from modegate.testing.price_source import FakePriceSource

# More iterations of the event loop than a start has that does not wait for the prices.
ITERATIONS = 1000


class SlowPrices(FakePriceSource):
    is_prepared = False

    async def prepare(self) -> None:
        for _ in range(ITERATIONS):
            await asyncio.sleep(0)
        self.is_prepared = True


class FailingPrices(FakePriceSource):
    async def prepare(self) -> None:
        raise ZeroDivisionError


async def start(prices: FakePriceSource, state: Path, **settings: Any) -> bool:
    """Starts and ends an application; returns whether the prices were there when it had started."""
    container = Container(settings=Settings(modegate_state_dir=state, **settings))
    container.price_source.override(prices)
    app = build_app(container)
    goes_on = asyncio.Event()
    messages = iter(["lifespan.startup", "lifespan.shutdown"])
    told: dict[str, bool] = {}

    async def receive() -> Any:
        message = next(messages)
        if message == "lifespan.shutdown":
            await goes_on.wait()
        return {"type": message}

    async def send(message: Any) -> None:
        told[message["type"]] = getattr(prices, "is_prepared", False)
        goes_on.set()

    await app(
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}, receive, send
    )
    await close(container)
    return told["lifespan.startup.complete"]


async def test_the_server_accepts_connections_when_the_prices_are_there(tmp_path: Path) -> None:
    # Otherwise the first answer blocks the event loop until a thread has imported them.
    assert await start(SlowPrices(), tmp_path, openai_api_key=SecretStr("sk-1"))


async def test_a_gateway_without_upstreams_does_not_wait_for_prices(tmp_path: Path) -> None:
    assert not await start(SlowPrices(), tmp_path, openai_passthrough_enabled=False)


async def test_prices_that_cannot_be_prepared_do_not_stop_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await start(FailingPrices(), tmp_path, openai_api_key=SecretStr("sk-1"))
    assert "preparation failed" in caplog.text
