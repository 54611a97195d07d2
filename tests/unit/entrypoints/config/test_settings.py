from pathlib import Path

import pytest

from modegate.entrypoints.config.adapter_options import claude_options
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(environment: dict[str, str] | None = None, file: str | None = None) -> Settings:
    return load_settings({"XDG_CONFIG_HOME": "nowhere"} | (environment or {}), file).settings


def faults(environment: dict[str, str] | None = None, file: str | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environment, file)
    return caught.value.faults


def write(text: str, name: str = "modegate.toml") -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return name


def test_settings_have_their_documented_defaults() -> None:
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 3456)
    assert (settings.max_concurrent_processes, settings.pool_queue_timeout_ms) == (10, 5000)
    assert settings.openai_passthrough_enabled
    assert settings.allow_client_openai_key
    assert settings.claude_bare is None
    assert settings.modegate_state_dir.name == "modegate"


def test_environment_variables_override_the_config_file() -> None:
    write('port = 4000\nlog_level = "debug"')
    settings = load({"PORT": "5000", "HOST": ""})
    assert (settings.port, settings.log_level, settings.host) == (5000, "debug", "127.0.0.1")


def test_lists_are_read_from_comma_separated_variables_and_toml_arrays() -> None:
    write('claude_tools = ["Read", "Bash"]')
    settings = load({"API_KEYS": "a, b,,", "CORS_ALLOWED_ORIGINS": "https://x.y"})
    assert [key.get_secret_value() for key in settings.api_keys] == ["a", "b"]
    assert settings.claude_tools == ("Read", "Bash")
    assert settings.cors_allowed_origins == ("https://x.y",)


@pytest.mark.parametrize(
    ("value", "means"),
    [("true", True), ("1", True), ("yes", True), ("false", False), ("0", False), ("no", False)],
)
def test_boolean_settings_accept_true_1_yes_and_false_0_no(value: str, means: bool) -> None:
    assert load({"OPENAI_PASSTHROUGH_ENABLED": value}).openai_passthrough_enabled is means
    assert load({"CLAUDE_BARE": value}).claude_bare is means


def test_claude_bare_auto_is_loaded_as_none() -> None:
    assert load({"CLAUDE_BARE": "auto"}).claude_bare is None


def test_model_rows_of_the_file_extend_and_override_the_built_in_map() -> None:
    write('default_model = "mine"\n[models]\nmine = "opus"\n"o1*" = "haiku"\nsonnet = "opus"')
    models = load().model_map()
    assert [models.resolve(name) for name in ("mine", "o1-x", "sonnet", "default", "gpt-4o")] == [
        "opus",
        "haiku",
        "opus",
        "opus",
        "sonnet",
    ]


def test_all_faults_are_reported_at_once() -> None:
    write('prot = 1\nmax_body_bytes = "x"\nlog_format = "xml"\n[models]\nmine = "--x"')
    reported = "\n".join(faults({"PORT": "70000", "MODEGATE_STATE_DIRR": "x"}))
    assert "prot: unknown key in modegate.toml; did you mean port?" in reported
    assert "MODEGATE_STATE_DIRR: unknown variable; did you mean MODEGATE_STATE_DIR?" in reported
    assert "PORT: must be a whole number, 1 to 65535 (from environment)" in reported
    assert "max_body_bytes: must be a whole number, 1024 to 1073741824 (from modegate" in reported
    assert "log_format: must be json or pretty (from modegate.toml)" in reported
    assert (
        "models: 'mine' maps to '--x', which is not a valid CLI model name (from modegate.toml)"
        in reported
    )


def test_an_unknown_default_model_is_reported_with_the_known_models() -> None:
    write('default_model = "nothing"')
    (fault,) = faults()
    assert fault.startswith("default_model: 'nothing' is not in the model map. Use one of: opus, ")
    assert fault.endswith("gpt-3.5-turbo (from modegate.toml)")


def test_secrets_appear_in_neither_errors_nor_repr() -> None:
    assert "MARK" not in "\n".join(faults({"PORT": "MARK", "API_KEY": "MARK"}))
    settings = load({"API_KEY": "MARK-MARK-MARK", "OPENAI_API_KEY": "MARK-MARK-MARK"})
    assert "MARK" not in repr(settings)


@pytest.mark.parametrize(
    ("file", "reported"), [("missing.toml", "does not exist"), (".", "is a folder")]
)
def test_an_explicitly_named_config_file_must_exist_and_be_a_file(file: str, reported: str) -> None:
    assert reported in faults(file=file)[0]
    assert reported in faults({"MODEGATE_CONFIG": file})[0]


def test_a_config_file_that_is_not_valid_toml_is_rejected() -> None:
    write("port = ")
    assert "not valid TOML" in faults()[0]
    Path("modegate.toml").write_bytes(b"\xff")
    assert "cannot be read" in faults()[0]


def test_config_files_are_searched_in_order_of_precedence() -> None:
    write("port = 1", "xdg/modegate/config.toml")
    xdg = {"XDG_CONFIG_HOME": "xdg"}
    assert load(xdg).port == 1
    write("port = 2")
    assert load(xdg).port == 2
    write("port = 3", "named.toml")
    assert load(xdg | {"MODEGATE_CONFIG": "named.toml"}).port == 3
    write("port = 4", "argument.toml")
    assert load(xdg | {"MODEGATE_CONFIG": "named.toml"}, "argument.toml").port == 4


def test_described_settings_have_sources_and_masked_secrets() -> None:
    write('port = 4000\n[models]\nmine = "opus"')
    environment = {"API_KEY": "sk-cca-0123456789ab7f3a", "API_KEYS": "short,sk-cca-xyzxyzxyz0001"}
    shown = "\n".join(load_settings(environment).describe())
    assert "port = 4000  (modegate.toml)" in shown
    assert "host = 127.0.0.1  (default)" in shown
    assert "api_key = sk-cca-****7f3a  (environment)" in shown
    assert "api_keys = ****, sk-cca-****0001  (environment)" in shown
    assert "models = mine=opus  (modegate.toml)" in shown
    assert "openai_api_key = -  (default)" in shown


def test_every_setting_is_described() -> None:
    shown = [line.partition(" ")[0] for line in load_settings({}).describe()]
    assert shown == list(Settings.model_fields)


def test_max_body_bytes_can_be_raised_above_its_default() -> None:
    assert load({"MAX_BODY_BYTES": "1048576"}).max_body_bytes == 1_048_576
    assert load({"MAX_BODY_BYTES": "33554432"}).max_body_bytes == 33_554_432


@pytest.mark.parametrize(
    "url",
    ["ftp://x/v1", "http://", "http://h:99999/v1", "http://user:secret@h/v1", "http://h/v1?a=b"],
)
def test_an_invalid_upstream_url_is_rejected_without_showing_its_password(url: str) -> None:
    (fault,) = faults({"OPENAI_BASE_URL": url})
    assert fault.startswith("OPENAI_BASE_URL: ")
    assert "secret" not in fault


def test_the_trailing_newline_of_an_api_key_is_stripped() -> None:
    key = load({"OPENAI_API_KEY": "sk-key\n"}).openai_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-key"
    (fault,) = faults({"OPENAI_API_KEY": "sk key"})
    assert fault.startswith("OPENAI_API_KEY: ")


def test_a_boolean_is_rejected_as_a_port_number() -> None:
    write("port = true")
    (fault,) = faults()
    assert fault.startswith("port: ")


def test_the_state_directory_is_made_absolute() -> None:
    assert load({"MODEGATE_STATE_DIR": "state"}).modegate_state_dir == Path.cwd() / "state"
    assert load({"MODEGATE_STATE_DIR": "~/x"}).modegate_state_dir == Path.home() / "x"


def test_cross_field_errors_are_reported_with_field_errors() -> None:
    found = "\n".join(faults({"HOST": "192.0.2.1", "PORT": "abc", "LOG_LEVEL": "loud"}))
    for name in ("PORT", "LOG_LEVEL", "HOST: 192.0.2.1"):
        assert name in found


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_a_loopback_host_needs_no_api_key(host: str) -> None:
    assert load({"HOST": host}).host == host


def test_api_keys_are_merged_and_trusted_proxies_are_validated() -> None:
    keys = load({"API_KEY": "sk-a", "API_KEYS": "sk-b, sk-a,"}).all_keys()
    assert [key.get_secret_value() for key in keys] == ["sk-a", "sk-b"]
    (fault,) = faults({"TRUSTED_PROXIES": "10.0.0.0/8, nobody"})
    assert "nobody" in fault


def test_the_forwarded_header_is_case_insensitive_and_validated() -> None:
    assert load({"FORWARDED_HEADER": "X-Forwarded-For"}).forwarded_header == "x-forwarded-for"
    (fault,) = faults({"FORWARDED_HEADER": "X-Real-IP"})
    assert "FORWARDED_HEADER" in fault
    assert "x-forwarded-for" in fault


def test_no_model_is_prewarmed_at_the_start_if_the_setting_is_none() -> None:
    settings = load({"CLAUDE_WARM_MODELS": "none"})
    assert settings.warm_models() == ()
    assert claude_options(settings, {}, None).warm_models == ()


def test_an_operators_key_must_not_be_a_clients() -> None:
    with pytest.raises(SettingsError, match="also a key of clients"):
        load_settings({"API_KEYS": "sk-one,sk-two", "ADMIN_KEYS": "sk-two"}, None)
    loaded = load_settings({"ADMIN_KEY": "sk-a", "ADMIN_KEYS": "sk-a,sk-b"}, None)
    assert len(loaded.settings.all_admin_keys()) == 2
