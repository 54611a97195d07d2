import json
from pathlib import Path

import pytest

from modegate.adapters.system import epoch
from modegate.adapters.system.clock import FILE, SystemClock, uptime

HOUR = 3600.0


class Machine:
    """A machine whose clock can be set."""

    def __init__(self, *, booted_at: float = 1_800_000_000.0, boot: str | None = "one") -> None:
        self.uptime = 100.0
        self.offset = booted_at
        self.boot = boot

    def clock(self, state: Path | None = None) -> SystemClock:
        return SystemClock(
            state, wall=self.wall, uptime=lambda: self.uptime, boot=lambda: self.boot
        )

    def wall(self) -> float:
        return self.offset + self.uptime


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 50 * 365 * 24 * HOUR])
def test_a_clock_jump_changes_the_time_of_day_but_not_now(jump: float) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    assert before == clock.time_of_day() == 1_800_000_100.0
    machine.offset += jump
    assert clock.now() == before
    assert clock.time_of_day() == before + jump
    machine.uptime += 7
    assert clock.now() == before + 7


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_gateways_that_share_a_state_directory_have_the_same_clock(
    jump: float, tmp_path: Path
) -> None:
    machine = Machine()
    state = tmp_path / "state"
    first = machine.clock(state)
    began = first.now()
    machine.offset += jump
    machine.uptime += 5
    restarted = machine.clock(state)
    assert restarted.now() == first.now() == began + 5
    assert [entry.name for entry in state.iterdir()] == [FILE]


def test_the_clock_restarts_from_the_wall_clock_after_a_reboot(tmp_path: Path) -> None:
    Machine().clock(tmp_path).now()
    later = Machine(booted_at=1_900_000_000.0, boot="two")
    assert later.clock(tmp_path).now() == 1_900_000_100.0
    later.offset -= HOUR
    assert later.clock(tmp_path).now() == 1_900_000_100.0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"boot": "one"}', '{"boot": "one", "epoch": NaN}', "\udcff"]
)
def test_an_invalid_clock_file_is_rewritten(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert Machine().clock(tmp_path).now() == 1_800_000_100.0
    assert json.loads((tmp_path / FILE).read_text())["epoch"] == 1_800_000_000.0


def test_an_unwritable_state_directory_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file")
    clock = Machine().clock(tmp_path / "state")
    assert clock.now() == clock.now() == 1_800_000_100.0
    assert caplog.text.count("clock.json cannot be used (NotADirectoryError)") == 1


def test_no_clock_file_is_written_without_a_boot_id(tmp_path: Path) -> None:
    Machine(boot=None).clock(tmp_path).now()
    assert list(tmp_path.iterdir()) == []


def test_the_system_clock_is_monotonic_and_close_to_the_time_of_day() -> None:
    clock = SystemClock()
    assert abs(clock.now() - clock.time_of_day()) < 10
    assert clock.now() <= clock.now()
    assert uptime() <= uptime()


def test_the_boot_id_includes_the_time_namespace_and_is_none_if_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boot_id").write_text("one\n")
    monkeypatch.setattr(epoch, "BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(epoch, "TIME_NAMESPACE", tmp_path / "none")
    assert epoch.boot_id() == "one"
    (tmp_path / "none").symlink_to("time:[1]")
    assert epoch.boot_id() == "one time:[1]"
    monkeypatch.setattr(epoch, "BOOT_ID", tmp_path / "missing")
    assert epoch.boot_id() is None
