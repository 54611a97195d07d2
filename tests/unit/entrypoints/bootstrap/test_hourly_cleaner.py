"""The periodic deletion of what is old."""

import logging

import pytest
from support.waiting import until

from modegate.domain.errors.catalogue import storage
from modegate.entrypoints.bootstrap import hourly_cleaner
from modegate.entrypoints.bootstrap.hourly_cleaner import HourlyCleaner


async def test_a_cleaner_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hourly_cleaner, "DELAY_S", 0.0)
    monkeypatch.setattr(hourly_cleaner, "INTERVAL_S", 0.001)
    outcomes: list[int | Exception] = [storage.broken(), ValueError("a bug"), 3]

    async def expire() -> int:
        outcome = outcomes.pop(0) if outcomes else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    caplog.set_level(logging.INFO)
    cleaner = HourlyCleaner(expire, "things")
    await cleaner.start()
    await until(lambda: "deleted 3 old things" in caplog.text)
    await cleaner.aclose()
    assert "cleanup of things failed, will retry: storage_unavailable" in caplog.text
