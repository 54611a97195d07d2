"""The watch of the settings file: what it takes, ignores and tries again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.waiting import until

from modegate.entrypoints.bootstrap.reload import settings_file_watch
from modegate.entrypoints.bootstrap.reload.settings_file_watch import SettingsFileWatch, watching


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file_watch, "LOOK_INTERVAL_S", 0.002)


class Reloads:
    """Counts reloads, with the content of the file at each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[str] = []
        self.answers: list[bool] = []

    async def reload(self) -> bool:
        self.seen.append(self.path.read_text())
        return self.answers.pop() if self.answers else True

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        def find() -> Path | None:
            return self.path if self.path.exists() else None

        async with watching(SettingsFileWatch(find, self.reload)):
            yield


async def looks(number: int = 20) -> None:
    """Waits for some looks."""
    for _ in range(number):
        await asyncio.sleep(0.002)


async def test_each_content_is_read_once(tmp_path: Path) -> None:
    reloads = Reloads(tmp_path / "file")
    reloads.path.write_text("1")
    async with reloads.watched():
        for text in ("1", "22", "333"):
            if text != "1":
                reloads.path.with_suffix(".new").write_text(text)
                reloads.path.with_suffix(".new").replace(reloads.path)
            await until(lambda text=text: reloads.seen[-1:] == [text])  # type: ignore[misc]
            await looks()
    assert reloads.seen == ["1", "22", "333"]


async def test_an_empty_or_missing_file_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reloads = Reloads(tmp_path / "file")
    async with reloads.watched():
        await looks()
        reloads.path.write_text(" \n")
        await until(lambda: "old settings stay" in caplog.text)
        await looks()
        assert reloads.seen == []
        reloads.path.write_text("1")
        await until(lambda: reloads.seen == ["1"])
        reloads.path.unlink()
        await looks()
    assert reloads.seen == ["1"]
    assert caplog.text.count("old settings stay") == 1


async def test_a_reload_that_others_prevented_is_tried_again(tmp_path: Path) -> None:
    reloads = Reloads(tmp_path / "file")
    reloads.path.write_text("1")
    reloads.answers = [True, False, False]
    async with reloads.watched():
        await until(lambda: len(reloads.seen) == 3)
        await looks()
    assert len(reloads.seen) == 3
