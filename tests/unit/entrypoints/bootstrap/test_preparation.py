"""Background work after a start."""

import asyncio

import pytest

from modegate.entrypoints.bootstrap.preparation import Preparation


async def test_steps_run_in_order_after_the_start() -> None:
    ended = asyncio.Event()
    steps: list[str] = []

    async def one() -> None:
        steps.append("one")

    async def two() -> None:
        steps.append("two")

    preparation = Preparation([one, two], ended.set)
    await preparation.start()
    assert not steps
    await ended.wait()
    assert steps == ["one", "two"]
    await preparation.aclose()


async def test_a_failed_step_is_logged_and_the_next_one_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = asyncio.Event()
    steps: list[str] = []

    async def fails() -> None:
        raise ZeroDivisionError

    async def two() -> None:
        steps.append("two")

    preparation = Preparation([fails, two], ended.set)
    await preparation.start()
    await ended.wait()
    assert steps == ["two"]
    assert "preparation failed" in caplog.text
    await preparation.aclose()


async def test_closing_cancels_a_running_step() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    preparation = Preparation([hangs], None)
    await preparation.start()
    await begun.wait()
    await preparation.aclose()
    assert cancelled.is_set()


async def test_a_preparation_that_was_not_started_can_be_closed() -> None:
    await Preparation([], None).aclose()
