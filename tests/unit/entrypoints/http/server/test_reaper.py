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


def looks(zombies: list[int]) -> OrphanReaper:
    """A reaper of these zombies, the oldest first."""
    return OrphanReaper(lambda: zombies[0] if zombies else None, zombies.remove)


def test_a_zombie_that_two_looks_find_is_reaped() -> None:
    zombies = [7, 8]
    reaper = looks(zombies)
    assert reaper.look()
    assert zombies == [7, 8]
    assert reaper.look()
    assert zombies == [8]
    assert not reaper.look()
    assert zombies == []
    assert not reaper.look()


def test_a_zombie_that_was_waited_for_in_between_is_left_alone() -> None:
    zombies = [7]
    reaper = looks(zombies)
    for own in (8, 9, 10, 11):
        assert reaper.look()
        assert zombies == [own - 1]
        zombies[:] = [own]


def test_a_child_that_has_ended_is_seen_and_keeps_its_status() -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert first_zombie() is not None
        assert child.wait() == 3
    reap(child.pid)  # gone already: a no-op


async def test_the_first_process_reaps_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    zombies = [7, 8, 9]
    monkeypatch.setattr(reaper, "OrphanReaper", lambda: looks(zombies))
    monkeypatch.setattr(reaper, "LOOK_AGAIN_S", 0.0)
    with reaping_orphans():
        pass
    assert zombies == [7, 8, 9]
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with reaping_orphans():
        await until(lambda: not zombies)
