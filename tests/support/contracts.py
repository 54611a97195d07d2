"""Checks of the contract suites: each contract test must fail for a broken adapter."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

Duty = Callable[[], Awaitable[None] | None]


def duties_of(suite: type) -> set[str]:
    """Returns the names of the contract tests of a suite."""
    return {name for name, _ in inspect.getmembers(suite) if name.startswith("test_")}


async def expect_failure(duty: Duty) -> None:
    """Fails unless the contract test fails."""
    try:
        outcome = duty()
        if inspect.isawaitable(outcome):
            await outcome
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - any failure counts
        return
    pytest.fail("the contract test did not fail")
