"""Proving contract suites: a suite that no adapter can fail proves nothing."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

Duty = Callable[[], Awaitable[None] | None]


def duties_of(suite: type) -> set[str]:
    """The tests of a suite."""
    return {name for name, _ in inspect.getmembers(suite) if name.startswith("test_")}


async def expect_failure(duty: Duty) -> None:
    """Fails unless the duty's test fails."""
    try:
        outcome = duty()
        if inspect.isawaitable(outcome):
            await outcome
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - any failure is what is wanted
        return
    pytest.fail("the suite did not notice")
