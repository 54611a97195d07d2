from typing import Any

import pytest

from modegate.entrypoints.config.reloading import (
    NEEDS_RESTART,
    RELOADABLE,
    changed_settings,
    effective,
    pending_settings,
)
from modegate.entrypoints.config.settings import Settings

KIMI: dict[str, Any] = {
    "base_url": "http://kimi/v1",
    "models": ["kimi-*"],
    "credentials": [{"id": "a", "key": "sk-kimi-a"}, {"id": "b", "key": "sk-kimi-b"}],
}

OTHER: dict[str, Any] = {
    "base_url": "http://other/v1",
    "models": ["other"],
    "credentials": [{"id": "c", "key": "sk-other-c"}],
}


def settings(**values: Any) -> Settings:
    return Settings.model_validate(values)


def with_kimi(**changed: Any) -> Settings:
    return settings(upstreams={"kimi": {**KIMI, **changed}})


def test_every_setting_is_in_exactly_one_set() -> None:
    assert set(Settings.model_fields) == RELOADABLE | NEEDS_RESTART
    assert not RELOADABLE & NEEDS_RESTART


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (settings(), settings(), []),
        (settings(), settings(rate_limit_per_ip=60), []),
        (
            settings(),
            settings(rate_limit_per_ip=61, api_key="sk-x"),
            ["api_key", "rate_limit_per_ip"],
        ),
        (
            settings(models={"a": "opus"}),
            settings(models={"a": "haiku", "b": "opus"}),
            ["models.a", "models.b"],
        ),
        (settings(models={"a.b": "opus"}), settings(), ['models."a.b"']),
        (settings(), with_kimi(), ["upstreams.kimi"]),
        (with_kimi(), with_kimi(strategy="round-robin"), ["upstreams.kimi.strategy"]),
        (with_kimi(), with_kimi(models=["kimi-k2"]), ["upstreams.kimi.models"]),
        (with_kimi(), with_kimi(headers={"x-a": "1"}), ["upstreams.kimi.headers.x-a"]),
        (
            with_kimi(),
            with_kimi(credentials=[KIMI["credentials"][0], {"id": "b", "key": "sk-new"}]),
            ["upstreams.kimi.credentials.b"],
        ),
        (
            with_kimi(),
            with_kimi(credentials=KIMI["credentials"][:1]),
            ["upstreams.kimi.credentials.b"],
        ),
        (
            with_kimi(),
            with_kimi(credentials=KIMI["credentials"][::-1]),
            ["upstreams.kimi.credentials"],
        ),
        (
            settings(upstreams={"kimi": KIMI, "other": OTHER}),
            settings(upstreams={"other": OTHER, "kimi": KIMI}),
            ["upstreams"],
        ),
    ],
)
def test_changed_settings_are_named_by_their_place(
    before: Settings, after: Settings, changed: list[str]
) -> None:
    assert changed_settings(before, after) == changed


def test_what_needs_a_restart_stays_as_it_is() -> None:
    running = settings(port=4000, host="localhost", rate_limit_per_ip=1)
    loaded = settings(port=5000, rate_limit_per_ip=2)
    assert pending_settings(loaded, running) == ["host", "port"]
    merged = effective(loaded, running)
    assert (merged.port, merged.host, merged.rate_limit_per_ip) == (4000, "localhost", 2)
    assert pending_settings(merged, running) == []
