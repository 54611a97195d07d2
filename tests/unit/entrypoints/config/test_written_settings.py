"""Settings with stray characters: cleaned with a warning, or rejected by name."""

import json
from pathlib import Path

import pytest

from modegate.adapters.openai_sdk.endpoint import Endpoints
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.entrypoints.config.mapping import routes
from modegate.entrypoints.config.raw_settings import LISTS, NAMES, ONLY_IN_FILE
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings

# Valid non-default values; `right` derives those of other booleans and numbers.
RIGHT = {
    "media_url_hosts": "example.com, *.example.org",
    "media_url_private_hosts": "127.0.0.1",
    "modegate_ledger": "postgresql://localhost/modegate",
    "modegate_store": "redis://localhost:6379/0",
    "modegate_transcripts": "s3://bucket/prefix",
    "upstream_first_byte_timeout_ms": "9000",
    "forwarded_header": "forwarded",
    "store_failure_mode": "local",
    "port": "4000",
    "host": "::1",
    "log_level": "debug",
    "log_format": "pretty",
    "api_key": "sk-one-0123456789",
    "admin_key": "sk-admin-0123456789",
    "metrics_token": "token-0123456789",
    "anthropic_api_key": "sk-ant-0123456789",
    "openai_api_key": "sk-0123456789",
    "claude_path": "/usr/local/bin/claude",
    "claude_bare": "true",
    "claude_process_mode": "oneshot",
    "openai_batches": "gateway",
    "budget_timezone": "Europe/Berlin",
    "budget_unknown_price": "allow",
    "default_model": "opus",
    "default_mode": "claude-code",
    "default_upstream": "openai",
    "openai_base_url": "http://127.0.0.1:9102/v1",
    "modegate_state_dir": "/srv/state of ours",
    "api_keys": "sk-one-aaaaaaaaaa,sk-two-bbbbbbbbbb",
    "admin_keys": "sk-three-aaaaaaa,sk-four-bbbbbbbb",
    "trusted_proxies": "10.0.0.0/8,::1",
    "cors_allowed_origins": "https://one.example,https://two.example",
    "claude_tools": "Read,Bash(git log *)",
    "claude_client_tools": "reject",
    "claude_warm_models": "opus,haiku",
    "claude_env_allow": "ONE,TWO",
    "upstream_paths": "/v1/fine_tuning/*,/v1/evals",
}
SINGLE = sorted(NAMES - ONLY_IN_FILE)
SURROUNDINGS = [
    '"{}"',
    "'{}'",
    "{}\r",
    "{}\r\n",
    "{}\n",
    " {} ",
    "\t{}",
    "\ufeff{}",
    '"{}"\r',
    '\ufeff"{}"\r\n',
    "' {} '",
    "\u00a0{}\u00a0",
]
MALFORMED = [
    "\r",
    " ",
    "\ufeff",
    '"',
    "'",
    '""',
    "''",
    '"\r"',
    '"x',
    "x'",
    "a\rb",
    "a\nb",
    "a b",
    "a\x00b",
    "\x00",
    "a\x1b[31mb",
    "a\x7fb",
    "a\u200bb",
    "a\u00a0b",
    "a\u2028b",
    "a\ufeffb",
    "a\ud800b",
    "\udcff\udcfe",
    "\u201cx\u201d",
    "\u00fc",
    "http://127.0.0.1:9102/v1\x0b",
    "http://a b/v1",
    "http://a..b/v1",
    "http://[::1",
    "http://\u200bhost/v1",
    f"http://{'x' * 64}/v1",
    "x" * 100_000,
    "9" * 5000,
    "-1",
    "1e3",
    "inf",
    ",",
    '","',
    "~no-such-user-exists/x",
]
# TOML literals; unlike environment variables, these may contain NUL.
LITERALS = [
    *(
        json.dumps(value)
        for value in ("\x00", "a\x00b", '"x', "a\u200bb", "a\x1b[31mb", "x" * 10_000)
    ),
    *(
        "0",
        "-1",
        "1.5",
        "inf",
        "nan",
        "true",
        "1979-05-27",
        "07:32:00",
        "9" * 40,
        "{}",
        "{ a = 1 }",
    ),
    *("[]", "[[]]", "[1]", '["a", "a\\u0000b"]', '["\\"x"]'),
]


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str = "", **environment: str) -> LoadedSettings:
    Path("modegate.toml").write_text(text, encoding="utf-8")
    return load_settings({"XDG_CONFIG_HOME": "nowhere"} | environment)


def right(name: str) -> str:
    default = Settings.model_fields[name].default
    return RIGHT.get(name) or str(not default if isinstance(default, bool) else default + 1)


def test_list_settings_are_recognised_as_lists() -> None:
    assert {"api_keys", "trusted_proxies", "cors_allowed_origins"} < LISTS
    assert RIGHT.keys() > LISTS


@pytest.mark.parametrize("name", SINGLE)
def test_quotes_blanks_and_line_ends_around_a_value_are_removed_with_a_warning(name: str) -> None:
    variable, value = name.upper(), right(name)
    plain = load(**{variable: value})
    assert plain.warnings == ()
    for around in SURROUNDINGS:
        surrounded = load(**{variable: around.format(value)})
        assert surrounded.settings == plain.settings
        (warning,) = surrounded.warnings
        assert warning.startswith(f"{variable}: ")
        assert warning.endswith("around the value were removed (from environment)")
    of_file = load(f"{name} = {json.dumps(SURROUNDINGS[-3].format(value))}")
    assert of_file.settings == plain.settings
    (warning,) = of_file.warnings
    assert warning.startswith(f"{name}: line ends and a byte order mark and quotes around")
    assert warning.endswith("(from modegate.toml)")


@pytest.mark.parametrize("name", sorted(LISTS))
def test_each_item_of_a_list_setting_is_cleaned_with_a_warning(name: str) -> None:
    items = right(name).split(",")
    plain = load(**{name.upper(): right(name)}).settings
    assert load(**{name.upper(): " , ".join(items)}).warnings == ()
    for quote in "\"'":
        quoted = [f"{quote}{item}{quote}\r" for item in items]
        for loaded in (
            load(**{name.upper(): ", ".join(quoted)}),
            load(f"{name} = {json.dumps(quoted)}"),
            load(**{name.upper(): f"'{','.join(items)}'"}),
        ):
            assert loaded.settings == plain
            (warning,) = loaded.warnings
            assert "quotes" in warning


def reported(shown: str, text: str = "", **environment: str) -> list[str]:
    """Returns the lines shown to the operator; asserts that all faults name the setting."""
    try:
        loaded = load(text, **environment)
    except SettingsError as error:
        lines = error.faults
    else:
        return [*loaded.describe(), *loaded.warnings]
    assert lines
    assert all(line.startswith(f"{shown}: ") for line in lines), lines
    return lines


@pytest.mark.parametrize("name", SINGLE)
def test_malformed_values_give_printable_messages_and_no_traceback(name: str) -> None:
    for value in MALFORMED:
        lines = reported(name.upper(), **{name.upper(): value})
        assert all(line.isprintable() for line in lines), value
    for literal in LITERALS:
        lines = reported(name, f"{name} = {literal}")
        assert all(line.isprintable() for line in lines), literal


@pytest.mark.parametrize("name", SINGLE)
def test_an_empty_value_counts_as_unset(name: str) -> None:
    plain = load().settings
    for empty in ("", '""', "\r\n", "\ufeff", '" "'):
        assert load(**{name.upper(): empty}).settings == plain
    assert load(f'{name} = ""').settings == plain
    assert load(f"{name} = ' '").settings == plain
    if name in LISTS:
        assert load(f'{name} = ["", " ", "\\"\\""]').settings == plain


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", '"sk-abcdef'),
        ("API_KEYS", "sk-one,sk-two'"),
        ("API_KEYS", "sk-one,sk two"),
        ("OPENAI_API_KEY", "sk-\u200babc"),
        ("OPENAI_API_KEY", "sk-\u2013abc"),
        ("OPENAI_API_KEY", "sk-abc # the key"),
        ("OPENAI_API_KEY", "x" * 8193),
        ("METRICS_TOKEN", "a\x1bb"),
        ("HOST", "127.0.0.1\x01"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "a b"),
        ("HOST", "a..b"),
        ("HOST", "x" * 64),
        ("HOST", "999.999.1.1"),
        ("OPENAI_BASE_URL", "http://999.999.1.1:9/v1"),
        ("OPENAI_BASE_URL", "http://xn--a:9/v1"),
        ("OPENAI_BASE_URL", "http://\u2460.example:9/v1"),
        ("OPENAI_BASE_URL", "http://a\u0301.example:9/v1"),
        ("OPENAI_BASE_URL", "http://[12345::1]:9/v1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9102 /v1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9102/v1\u00a0x"),
        ("OPENAI_BASE_URL", 'http://127.0.0.1:9102/"v1"/x'),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9102/" + "x" * 2048),
        ("MODEGATE_STATE_DIR", "/srv/\x07state"),
        ("MODEGATE_STATE_DIR", "/srv/\u200bstate"),
        ("MODEGATE_STATE_DIR", '"/srv/state'),
        ("MODEGATE_STATE_DIR", "\u201c/srv/state\u201d"),
        ("MODEGATE_STATE_DIR", "/srv/\udcffstate"),
        ("CLAUDE_PATH", "/bin/cla\nude"),
        ("CLAUDE_TOOLS", "Read,Ba\x1bsh"),
        ("CLAUDE_ENV_ALLOW", "A=B"),
        ("CLAUDE_ENV_ALLOW", "A B"),
    ],
)
def test_an_invalid_value_is_rejected_with_the_name_of_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{name}: ")
    assert fault.endswith("(from environment)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEGATE_STATE_DIR", "/srv/it's \u00fcber-state"),
        ("MODEGATE_STATE_DIR", "/srv/\U0001f468\u200d\U0001f469"),
        ("HOST", "m\u00fcnchen.example"),
        ("HOST", "fe80::1%eth0"),
        ("HOST", "[::1]"),
        ("OPENAI_BASE_URL", "https://m\u00fcnchen.example/v1"),
        ("OPENAI_BASE_URL", "https://xn--mnchen-3ya.example/v1"),
        ("OPENAI_BASE_URL", "https://my_host:8443/a%20b/v1/"),
        ("OPENAI_BASE_URL", "http://[fe80::1]:1/v1"),
        ("API_KEY", "a\"b'c"),
    ],
)
def test_unusual_but_valid_values_are_kept_unchanged(name: str, value: str) -> None:
    loaded = load(**{"API_KEY": "sk-x", name: value})
    setting = getattr(loaded.settings, name.lower())
    kept = setting.get_secret_value() if name == "API_KEY" else str(setting)
    assert (kept, loaded.warnings) == (value, ())
    if name == "OPENAI_BASE_URL":
        (upstream,) = routes(loaded.settings).upstreams
        endpoint = Endpoints(1).of(upstream, Credential("test", ApiKey("sk-x")))
        assert endpoint.models.host


def test_the_target_of_a_model_row_is_cleaned_with_a_warning() -> None:
    loaded = load('[models]\n"ours" = "\\"opus\\"\\r"')
    assert loaded.settings.models == {"ours": "opus"}
    assert loaded.warnings == (
        "models: line ends and quotes around the value were removed (from modegate.toml)",
    )


def test_the_name_of_a_model_row_is_cleaned_with_a_warning() -> None:
    loaded = load('[models]\n"ours " = "opus"\n"\\ufefftheirs*\\u00a0" = "haiku"')
    assert loaded.settings.models == {"ours": "opus", "theirs*": "haiku"}
    assert loaded.warnings == (
        "models: blanks and a byte order mark around the value were removed (from modegate.toml)",
    )


def test_model_rows_whose_cleaned_names_collide_are_kept() -> None:
    assert load('[models]\n"a" = "opus"\n" a" = "haiku"').settings.models["a"] == "opus"


def write_config_file(data: bytes) -> str:
    Path("modegate.toml").write_bytes(data)
    return "modegate.toml"


@pytest.mark.parametrize(
    ("data", "warned"),
    [
        (b'\xef\xbb\xbfdefault_model = "opus"\n', True),
        (b'\xef\xbb\xbfdefault_model = "opus"\r\nport = 1\r\n', True),
        (b'default_model = "opus"\r\nport = 1\r\n', False),
        (b'default_model = "opus"\rport = 1\r', False),
    ],
)
def test_config_files_with_a_byte_order_mark_or_crlf_are_read(data: bytes, warned: bool) -> None:
    write_config_file(data)
    loaded = load_settings({})
    assert loaded.settings.default_model == "opus"
    reported = ("modegate.toml: begins with a byte order mark, which was ignored",)
    assert loaded.warnings == (reported if warned else ())


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\r\n", b"# nothing"])
def test_an_empty_config_file_gives_the_default_settings(data: bytes) -> None:
    write_config_file(data)
    assert load_settings({}).settings == Settings()


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        ("port = 1\n".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        ("port = 1\n".encode("utf-16-le"), "it is UTF-16; save it as UTF-8"),
        ("port = 1\n".encode("utf-16-be"), "it is UTF-16; save it as UTF-8"),
        ('port = 1\nhost = "\u00fc"'.encode("latin-1"), "it is not UTF-8 (line 2)"),
        ("port =\u00a01".encode(), "line 1 holds U+00A0"),
        ("port = 1\nhost = \u200b'x'".encode(), "line 2 holds U+200B"),
        (b"port = \x00", "line 1 holds U+0000"),
        (b"port = 1\n\x0c\nhost = 'x'", "line 2 holds U+000C"),
        (b"port = " + b"9" * 5000, "is not valid TOML"),
        (b"port = " + b"[" * 100_000, "is not valid TOML: it is nested too deeply"),
        (b'"a\\u001b[31m" = 1', r"a\x1b[31m: unknown key in modegate.toml"),
    ],
)
def test_an_unusable_config_file_is_rejected_with_the_reason(data: bytes, reported: str) -> None:
    write_config_file(data)
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    assert reported in str(caught.value)
    assert "modegate.toml" in str(caught.value)


@pytest.mark.parametrize("named", ["x" * 5000, "a\x00b", "a\rb"])
def test_an_impossible_config_file_name_is_rejected_with_a_printable_message(named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, named)
    assert str(caught.value).isprintable()


def test_an_impossible_xdg_config_home_is_ignored() -> None:
    assert load_settings({"XDG_CONFIG_HOME": "x" * 5000}).settings.port == 3456


def test_quotes_around_the_config_file_name_are_removed_with_a_warning() -> None:
    Path("own.toml").write_text("port = 5")
    loaded = load_settings({"MODEGATE_CONFIG": '"own.toml"\r'})
    assert loaded.settings.port == 5
    assert loaded.warnings[0].startswith("MODEGATE_CONFIG: line ends and quotes around the value")


KUBERNETES_VARIABLES = {
    "MODEGATE_PORT": "tcp://10.0.0.1:3456",
    "MODEGATE_SERVICE_HOST": "10.0.0.1",
    "MODEGATE_SERVICE_PORT": "3456",
    "MODEGATE_SERVICE_PORT_HTTP": "3456",
    "MODEGATE_PORT_3456_TCP": "tcp://10.0.0.1:3456",
    "MODEGATE_PORT_3456_TCP_ADDR": "10.0.0.1",
    "MODEGATE_PORT_3456_TCP_PORT": "3456",
    "MODEGATE_PORT_3456_TCP_PROTO": "tcp",
    "MODEGATE_METRICS_SERVICE_HOST": "10.0.0.2",
    "MODEGATE_METRICS_PORT_9090_UDP": "udp://10.0.0.2:9090",
    "PORT_SERVICE_HOST": "10.0.0.3",
    "CLAUDE_PORT": "tcp://10.0.0.4:80",
}


def test_kubernetes_service_variables_give_a_single_warning() -> None:
    loaded = load(**KUBERNETES_VARIABLES)
    assert loaded.settings == load().settings
    (warning,) = loaded.warnings
    assert warning.startswith("MODEGATE_METRICS_PORT_9090_UDP, MODEGATE_METRICS_SERVICE_HOST, ")
    assert "Kubernetes" in warning


def test_variables_set_by_the_gateway_for_its_children_give_no_warning() -> None:
    assert load(MODEGATE_PROCESS="0123", MODEGATE_KEY="sk-x").warnings == ()


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("MODEGATE_STATE_DIRR", "unknown variable; did you mean MODEGATE_STATE_DIR?"),
        ("MODEGATE_API_KEY", "unknown variable; did you mean API_KEY?"),
        ("MODEGATE_LOG_LEVL", "unknown variable; did you mean LOG_LEVEL?"),
        ("MODEGATE_QQQQ", "unknown variable"),
    ],
)
def test_an_unknown_variable_gives_a_warning_with_the_nearest_name(
    name: str, reported: str
) -> None:
    assert load(**{name: "x"}).warnings == (f"{name}: {reported}",)


def test_a_byte_order_mark_in_a_variable_name_is_removed_with_a_warning() -> None:
    loaded = load(**{"\ufeffAPI_KEY": "sk-x"})
    assert loaded.settings.api_key is not None
    (warning,) = loaded.warnings
    assert warning.startswith("API_KEY: ")
    assert load(**{"\ufeffPORT": "1", "PORT": "2"}).settings.port == 2


def test_secrets_appear_in_neither_warnings_nor_errors() -> None:
    secret = "sk-MARK-0123456789"  # noqa: S105
    loaded = load(API_KEY=f'"{secret}"', ANTHROPIC_AUTH_TOKEN=f"{secret}\r", OPENAI_API_KEY=secret)
    assert len(loaded.warnings) == 2
    assert "MARK" not in "".join(loaded.warnings) + repr(loaded)
    with pytest.raises(SettingsError) as caught:
        load(API_KEY=f'"{secret}', ANTHROPIC_AUTH_TOKEN=f"{secret} x", API_KEYS=f"{secret},\x07")
    assert "MARK" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEGATE_STATE_DIR", "/srv/state # of the gateway"),
        ("CLAUDE_PATH", "/usr/bin/claude #the CLI"),
        ("CLAUDE_TOOLS", "Read,Grep # reads only"),
    ],
)
def test_a_trailing_comment_in_a_value_is_rejected(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{name}: ")
    assert "a comment" in fault


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANTHROPIC_BASE_URL", "\u201chttp://127.0.0.1:9/\u201d"),
        ("ANTHROPIC_AUTH_TOKEN", '"abc'),
        ("CLAUDE_CONFIG_DIR", "\u2018/srv/claude\u2019"),
        ("https_proxy", "'http://127.0.0.1:9"),
    ],
)
def test_stray_quotes_in_a_variable_passed_to_children_are_rejected(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    (fault,) = caught.value.faults
    assert fault == f"{name}: must not begin or end with a quotation mark (from environment)"


@pytest.mark.parametrize("name", ["PATH", "TMPDIR"])
def test_path_and_tmpdir_are_cleaned_with_a_warning(name: str) -> None:
    reported = f"{name}: line ends and quotes around the value were removed (from environment)"
    assert load_settings({name: '"/usr/bin"\r'}).warnings == (reported,)
