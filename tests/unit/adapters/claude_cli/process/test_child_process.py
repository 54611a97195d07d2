import asyncio
import logging
import os
import signal

import pytest

from modegate.adapters.claude_cli.process import child_process as module
from modegate.adapters.claude_cli.process.child_process import ChildProcess

PID = 2**22 + 1  # above the highest PID on Linux


class Transport:
    """The transport of a process that never exits."""

    def __init__(self) -> None:
        self.closed = False

    def get_pid(self) -> int:
        return PID

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that were sent."""
    signals: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda _, number: signals.append(number))
    return signals


async def test_a_process_that_survives_sigkill_is_abandoned_and_logged(
    sent: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "KILLED_WITHIN_S", 0.01)
    child, transport = ChildProcess(stderr_limit=1), Transport()
    child.connection_made(transport)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(10):
            await child.stop(0.01)
    assert sent == [signal.SIGTERM, signal.SIGKILL]
    assert transport.closed
    assert caplog.messages == [f"claude process {PID} did not end after SIGKILL: leaving it"]


def test_a_process_of_another_event_loop_is_killed(sent: list[int]) -> None:
    child = ChildProcess(stderr_limit=1)

    async def begin() -> None:
        child.connection_made(Transport())  # type: ignore[arg-type]
        assert child.is_here

    async def end() -> None:
        assert not child.is_here
        async with asyncio.timeout(10):
            await child.stop(60)

    asyncio.run(begin())
    asyncio.run(end())
    assert sent == [signal.SIGKILL]
