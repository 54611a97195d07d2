"""The settings of the mode: `DEFAULT_MODE` and the tables `[dialects.NAME]`."""

from pathlib import Path

import pytest

from modegate.domain.dialect_name import DialectName
from modegate.domain.routing.mode import Mode, ModeDefaults
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings

UPSTREAM = """
[upstreams.a]
base_url = "https://a.example/v1"
prefix = "claude-code"
credentials = [{ id = "a", key = "sk-a-0123456789" }]
"""


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, **environment: str) -> LoadedSettings:
    Path("modegate.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": "nowhere", **environment})


def test_tables_and_the_variable_are_the_defaults_of_requests() -> None:
    loaded = load("[dialects.messages]\nmode = 'claude-code'\n[dialects.chat]\nmode = ''")
    assert mapping.mode_defaults(loaded.settings) == ModeDefaults(
        Mode.PASSTHROUGH, {DialectName.MESSAGES: Mode.CLAUDE_CODE}
    )
    assert mapping.chat_mode(loaded.settings) is Mode.PASSTHROUGH
    by_variable = load("default_mode = 'openai-passthrough'", DEFAULT_MODE="claude-code").settings
    assert mapping.configuration(by_variable).modes == ModeDefaults(Mode.CLAUDE_CODE)
    assert mapping.chat_mode(by_variable) is Mode.CLAUDE_CODE


def test_they_are_shown() -> None:
    shown = [*load("[dialects.messages]\nmode = 'claude-code'\n[dialects.chat]").describe()]
    assert "dialects.messages.mode = claude-code  (modegate.toml)" in shown
    assert "default_mode = openai-passthrough  (default)" in shown
    assert "dialects.chat.mode = -  (modegate.toml)" in shown


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("default_mode = 'claude'", "default_mode: must be openai-passthrough or claude-code"),
        ("dialects = 1", "dialects: must be a table, like [dialects.messages]"),
        ("dialects.chat = 1", "dialects.chat: must be a table, like [dialects.messages]"),
        (
            "[dialects.chat]\nmode = 'claude'",
            "dialects.chat.mode: must be claude-code or openai-passthrough",
        ),
        ("[dialects.chat]\nmod = 1", "dialects.chat.mod: unknown key; did you mean mode?"),
        (
            "[dialects.chta]\nmode = 'claude-code'",
            "dialects.chta: is no dialect: use one of chat, responses, messages",
        ),
        (
            UPSTREAM,
            "upstreams.a.prefix: must not be claude-code, which leads to Claude Code",
        ),
    ],
)
def test_wrong_values_are_named(text: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(text)
    assert caught.value.faults == [f"{fault} (from modegate.toml)"]


def test_settings_in_a_program_have_the_same_names() -> None:
    settings = Settings(default_mode="claude-code", dialects={DialectName.CHAT: {"mode": None}})  # type: ignore[dict-item]
    assert mapping.chat_mode(settings) is Mode.CLAUDE_CODE
