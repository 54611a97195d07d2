import json
from typing import Any

import pytest

from modegate.adapters.claude_cli.protocol.turn_settings import (
    BODY,
    LIMIT,
    NO_THINKING,
    TurnSettings,
)
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.parameters.turn_setting import TurnSetting

UNSET = {LIMIT: "", NO_THINKING: "", BODY: ""}


@pytest.mark.parametrize(
    ("settings", "level", "changed"),
    [
        (TurnSettings(), None, {}),
        (TurnSettings(Effort.MAX), "max", {}),
        (TurnSettings(Effort.NONE), None, {NO_THINKING: "1"}),
        (TurnSettings(max_tokens=1025), None, {LIMIT: "1025"}),
        (TurnSettings(Effort.LOW, 1024), "low", {LIMIT: "1024", NO_THINKING: "1"}),
        (TurnSettings(stop=("a", "b")), None, {BODY: '{"stop_sequences": ["a", "b"]}'}),
    ],
)
def test_each_setting_is_a_flag_and_all_others_are_unset(
    settings: TurnSettings, level: str | None, changed: dict[str, str]
) -> None:
    assert settings.flags({}) == {"effortLevel": level, "env": UNSET | changed}


def test_unset_flags_have_the_operators_values() -> None:
    own = {LIMIT: "777", BODY: '{"service_tier": "auto"}'}
    assert TurnSettings().flags({**own, "OTHER": "x"})["env"] == {NO_THINKING: "", **own}


@pytest.mark.parametrize(
    ("body", "kept"),
    [('{"service_tier": "auto"}', {"service_tier": "auto"}), ("[1", {}), ("1", {})],
)
def test_stops_are_added_to_the_operators_own_body(body: str, kept: dict[str, str]) -> None:
    flags: Any = TurnSettings(stop=("a",)).flags({BODY: body})
    assert json.loads(flags["env"][BODY]) == {**kept, "stop_sequences": ["a"]}


def test_settings_that_differ_from_the_clis_own_are_given() -> None:
    assert TurnSettings().given == ()
    assert set(TurnSettings(Effort.NONE, 1, ("x",)).given) == set(TurnSetting)
