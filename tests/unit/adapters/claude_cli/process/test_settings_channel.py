import json

from modegate.adapters.claude_cli.process.settings_channel import (
    DEFAULTS,
    RefusedSettings,
    SettingsChannel,
)
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.parameters.turn_setting import TurnSetting

LOW, LIMITED = TurnSettings(Effort.LOW), TurnSettings(Effort.LOW, 5, ("x",))


def reply(subtype: str, request: str = "settings") -> Event:
    return {"type": "control_response", "response": {"subtype": subtype, "request_id": request}}


def channel(refused: RefusedSettings, effort: Effort | None = None) -> SettingsChannel:
    return SettingsChannel({}, "v1", refused, effort)


def test_only_a_change_of_settings_is_written() -> None:
    of_process = channel(RefusedSettings())
    assert of_process.change(DEFAULTS) == b""
    request = json.loads(of_process.change(LOW))["request"]
    assert (request["subtype"], request["settings"]["effortLevel"]) == (
        "apply_flag_settings",
        "low",
    )
    of_process.note(reply("success"))
    of_process.note({"type": "stream_event"})
    assert (of_process.change(LOW), of_process.ignored) == (b"", ())
    assert b'"effortLevel": null' in of_process.change(DEFAULTS)


def test_a_refused_change_is_ignored_by_all_processes_of_the_version() -> None:
    for answer in (reply("error"), {"type": "stream_event"}):
        refused = RefusedSettings()
        first, second = channel(refused), channel(refused, Effort.LOW)
        assert first.change(LIMITED)
        first.note(reply("success", "initialize"))
        assert not first.ignored
        first.note(answer)
        assert set(first.ignored) == set(TurnSetting)
        assert (second.change(LIMITED), "v1" in refused, "v2" in refused) == (b"", True, False)
        assert set(second.ignored) == {TurnSetting.MAX_TOKENS, TurnSetting.STOP}
        assert second.change(TurnSettings(Effort.LOW)) == b""
        assert second.ignored == ()
