"""Error messages for invalid settings: every fault, in plain language."""

from pathlib import Path

import pytest

from modegate.domain.routing.model_map import ModelMap
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import SettingsError, load_settings

NUMBER = "must be a whole number, 1 to 65535"
SWITCH = "must be true or false (or 1, 0, yes, no)"


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str = "", **environment: str) -> Settings:
    Path("modegate.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": "nowhere"} | environment).settings


def faults(text: str = "", **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(text, **environment)
    return caught.value.faults


def test_cross_field_errors_do_not_hide_other_errors() -> None:
    text = '[models]\n"a" = "--x"\n"b" = "y z"'
    found = faults(text, HOST="0.0.0.0", DEFAULT_MODEL="zz")
    assert [fault.partition(":")[0] for fault in found] == [
        "models",
        "models",
        "DEFAULT_MODEL",
        "HOST",
    ]


def test_cross_field_errors_are_skipped_while_a_needed_field_is_invalid() -> None:
    text = 'default_model = "mine"\n[models]\nmine = "opus"\nyours = 3'
    assert faults(text) == ["models: 'yours' must be text, in quotes (from modegate.toml)"]
    (fault,) = faults(HOST="0.0.0.0", API_KEYS="good, not good")
    assert fault.startswith("API_KEYS: entry 2 must have visible ASCII characters only")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "abc", NUMBER),
        ("PORT", "0", NUMBER),
        ("PORT", "70000", NUMBER),
        ("PORT", "1.5", NUMBER),
        ("UPSTREAM_MAX_RETRIES", "many", "must be a whole number, 0 to 10"),
        ("ALLOW_UNAUTHENTICATED", "perhaps", SWITCH),
        ("CLAUDE_BARE", "perhaps", "must be auto, true or false (or 1, 0, yes, no)"),
        ("LOG_FORMAT", "xml", "must be json or pretty"),
        ("CLAUDE_PROCESS_MODE", "x", "must be live or oneshot"),
    ],
)
def test_invalid_environment_values_get_plain_error_messages(
    name: str, value: str, expected: str
) -> None:
    assert faults(**{name: value}) == [f"{name}: {expected} (from environment)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port = true", f"port: {NUMBER}"),
        ("upstream_max_retries = true", "upstream_max_retries: must be a whole number, 0 to 10"),
        ("allow_unauthenticated = 3", f"allow_unauthenticated: {SWITCH}"),
        ("host = 3", "host: must be text, in quotes"),
        ('claude_tools = ["Read", 3]', "claude_tools: entry 2 must be text, in quotes"),
        ("claude_tools = 3", "claude_tools: must be a list"),
        ('models = "x"', "models: must be a table, like [models] and rows like"),
        ("modegate_state_dir = 3", "modegate_state_dir: must be the path of a folder"),
    ],
)
def test_invalid_file_values_get_plain_error_messages(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(expected)
    assert fault.endswith("(from modegate.toml)")


def test_an_unknown_default_model_error_suggests_the_nearest_name() -> None:
    (fault,) = faults(DEFAULT_MODEL="gpt5")
    assert fault.startswith("DEFAULT_MODEL: 'gpt5' is not in the model map; did you mean gpt-4?")
    assert "Use one of: opus, sonnet" in fault


@pytest.mark.parametrize("target", ["gpt-4o", "gpt-4o-mini-x", "yours"])
def test_a_model_row_mapping_to_another_row_is_rejected(target: str) -> None:
    (fault,) = faults(f'[models]\nours = "{target}"\nyours = "haiku"')
    assert fault.startswith(f"models: 'ours' maps to '{target}', which Claude does not know")
    assert "use '" in fault


@pytest.mark.parametrize(
    "target", ["opus", "claude-haiku-4-5", "us.anthropic.claude-opus-4-6-v1:0"]
)
def test_a_model_row_mapping_to_a_claude_model_name_is_accepted(target: str) -> None:
    models = load(f'[models]\nopus = "sonnet"\nours = "{target}"').model_map()
    assert models.resolve("ours") == target


def test_the_model_map_error_lists_every_fault() -> None:
    with pytest.raises(ValueError, match=r"'a' maps.*; 'b' maps.*; 'zz' is not in"):
        ModelMap({"a": "-", "b": "-", "opus": "opus"}, default="zz")


@pytest.mark.parametrize(
    "origin", ["example.com", "http://a.example/", "https://a.example/page", "https://", "null"]
)
def test_a_cors_origin_that_can_never_match_is_rejected(origin: str) -> None:
    (fault,) = faults(CORS_ALLOWED_ORIGINS=f"https://good.example,{origin}")
    assert fault.startswith("CORS_ALLOWED_ORIGINS: must be like https://example.com")


def test_cors_origins_are_normalised_as_browsers_send_them() -> None:
    given = "https://A.example:443,http://b.example:8080,http://[::1]:80,capacitor://localhost,*"
    assert load(CORS_ALLOWED_ORIGINS=given).cors_allowed_origins == (
        "https://a.example",
        "http://b.example:8080",
        "http://[::1]",
        "capacitor://localhost",
        "*",
    )


@pytest.mark.parametrize(
    ("host", "upstream", "own"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("[::]", "[::1]", True),
        ("169.254.1.1", "169.254.1.1", True),
        ("169.254.1.1", "127.0.0.1", False),
        ("127.0.0.1", "169.254.1.1", False),
    ],
)
def test_an_upstream_url_pointing_to_the_gateway_itself_is_detected(
    host: str, upstream: str, own: bool
) -> None:
    settings = load(
        HOST=host, PORT="3999", API_KEY="k", OPENAI_BASE_URL=f"http://{upstream}:3999/v1"
    )
    assert bool(tuple(settings.own_upstreams())) is own


def test_an_unreadable_config_folder_counts_as_having_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    assert load_settings({"XDG_CONFIG_HOME": "nowhere"}).settings.port == 3456


def test_a_tilde_path_is_rejected_if_there_is_no_home_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_home(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(SettingsError) as caught:
        load_settings({"MODEGATE_STATE_DIR": "~/x"})
    (fault,) = caught.value.faults
    assert fault.startswith("MODEGATE_STATE_DIR: begins with a home folder, and there is none")


def test_a_device_is_accepted_as_a_config_file() -> None:
    assert load_settings({}, "/dev/null").settings.port == 3456


def test_an_unknown_warm_model_is_an_error_that_suggests_the_nearest_name() -> None:
    (fault,) = faults(CLAUDE_WARM_MODELS="default,sonet")
    assert fault.startswith("CLAUDE_WARM_MODELS: 'sonet' is not in the model map; did you mean")
