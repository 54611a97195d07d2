"""Prewarming continues after any failure."""

import asyncio
import logging
from typing import Any

import pytest

from modegate.adapters.claude_cli.command.command_line import Features, Launch
from modegate.adapters.claude_cli.pool import prewarmed
from modegate.adapters.claude_cli.pool.prewarmed import PrewarmedPool
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue.claude_code import exhausted, unavailable


class FailingLauncher:
    """Raises the given failures in order, then keeps raising the last one."""

    def __init__(self, *failures: Exception, at: str) -> None:
        self.failures = list(failures)
        self.at = at
        self.attempts = 0
        self.enough = asyncio.Event()

    def version(self) -> object:
        return self._fail("version")

    async def features(self) -> Features:
        self._fail("features")
        return Features(frozenset({"--restricted", "--permission-prompts"}))

    async def start(self, _launch: Launch) -> Any:
        return self._fail("start")

    def _fail(self, at: str) -> object:
        if at == self.at:
            self.attempts += 1
            if self.attempts == 5:
                self.enough.set()
            raise self.failures.pop(0) if len(self.failures) > 1 else self.failures[0]
        return None


@pytest.mark.parametrize("at", ["version", "features", "start"])
@pytest.mark.parametrize(
    "failure", [exhausted(), unavailable(), RuntimeError("a bug"), OSError(5, "input/output")]
)
async def test_prewarming_is_retried_with_backoff_after_any_failure(
    at: str, failure: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[int] = []

    def pause(_first: float, _longest: float, failures: int) -> float:
        pauses.append(failures)
        return 0.0

    monkeypatch.setattr(prewarmed, "backoff", pause)
    monkeypatch.setattr(prewarmed, "has_headroom", lambda: True)
    monkeypatch.setattr(Features, "supports_multiple_turns", property(lambda _: True))
    launcher = FailingLauncher(failure, at=at)
    processes = PrewarmedPool(1, launcher, lambda _: None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        processes.note_use("sonnet")
        async with asyncio.timeout(10):
            await launcher.enough.wait()
        await processes.aclose()
    assert pauses[:4] == [1, 2, 3, 4]
    expected = isinstance(failure, GatewayError) and at != "version"
    assert ("prewarming failed" in caplog.text) != expected
