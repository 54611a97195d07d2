import os
import subprocess
import sys

import pytest
from support.waiting import until

from modegate.entrypoints.http.server import reaper
from modegate.entrypoints.http.server.reaper import (
    OrphanReaper,
    first_zombie,
    reap,
    reaping_orphans,
)


def reaper_of(zombies: list[int]) -> OrphanReaper:
    """Returns a reaper of these zombies, oldest first."""
    return OrphanReaper(lambda: zombies[0] if zombies else None, zombies.remove)


def test_a_zombie_found_by_two_checks_is_reaped() -> None:
    zombies = [7, 8]
    reaper = reaper_of(zombies)
    assert reaper.look()
    assert zombies == [7, 8]
    assert reaper.look()
    assert zombies == [8]
    assert not reaper.look()
    assert zombies == []
    assert not reaper.look()


def test_a_zombie_waited_for_between_checks_is_not_reaped() -> None:
    zombies = [7]
    reaper = reaper_of(zombies)
    for own in (8, 9, 10, 11):
        assert reaper.look()
        assert zombies == [own - 1]
        zombies[:] = [own]


def test_finding_an_exited_child_does_not_consume_its_exit_status() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert first_zombie() is not None
        assert child.wait() == 3
    reap(child.pid)  # gone already: a no-op


async def test_orphans_are_reaped_only_in_process_1(monkeypatch: pytest.MonkeyPatch) -> None:
    zombies = [7, 8, 9]
    monkeypatch.setattr(reaper, "OrphanReaper", lambda: reaper_of(zombies))
    monkeypatch.setattr(reaper, "LOOK_AGAIN_S", 0.0)
    with reaping_orphans():
        pass
    assert zombies == [7, 8, 9]
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with reaping_orphans():
        await until(lambda: not zombies)
