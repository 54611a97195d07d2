"""From the tables of upstreams to the domain, and to the lines of `config show`."""

import os
from pathlib import Path

import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.error_rules import Action, ErrorRule
from modegate.domain.credentials.selection import Strategy
from modegate.domain.credentials.verdict import Cooldowns
from modegate.domain.routing.capability import ALL_CAPABILITIES, Capability
from modegate.domain.routing.upstream import Upstream, UpstreamKind
from modegate.entrypoints.config.mapping import configuration, key_files
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, load_settings
from modegate.entrypoints.config.upstreams.secrets import SecretError

JANUARY_2027 = 1_801_353_600.0
WHOLE = """
default_upstream = "openai"

[upstreams.openai]
kind = "anthropic"
base_url = "https://api.example"
strategy = "weighted"
models = ["gpt-*", "o3"]
[[upstreams.openai.credentials]]
id = "team-a"
key_env = "KEY_A"
weight = 3
expires_at = 2027-01-31T00:00:00Z
[[upstreams.openai.credentials]]
id = "team-b"
key_file = "key"

[upstreams.kimi]
base_url = " https://kimi.example/v1 "
prefix = "kimi"
headers = { "X-Team" = "search" }
drop_params = ["store", "metadata"]
capabilities = ["text"]
repair_tool_ids = true
responses = "no"
default_max_tokens = 99
credentials = [{ id = "k", key = "sk-kimi-key-0123456789" }]
[upstreams.kimi.model_aliases]
"our-coder" = "kimi-k2-0905"
[[upstreams.kimi.error_rules]]
status = 403
contains = ' "quota" '
then = "cool-and-next"
for_s = 2.5
"""


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").write_text("sk-file-key-0123456789\n")


def load(text: str = WHOLE, **environment: str) -> LoadedSettings:
    Path("modegate.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": "nowhere", "KEY_A": '"sk-a"'} | environment)


def mapped(text: str = WHOLE, **environment: str) -> Configuration:
    loaded = load(text, **environment)
    return configuration(loaded.settings, {"KEY_A": '"sk-a"'} | environment)


def test_every_value_of_a_table_reaches_the_domain() -> None:
    routes = mapped().routes
    assert routes.default_upstream == "openai"
    assert routes.upstreams == (
        Upstream(
            name="openai",
            base_url="https://api.example",
            credentials=(
                Credential("team-a", ApiKey("sk-a"), 3, JANUARY_2027),
                Credential("team-b", ApiKey("sk-file-key-0123456789")),
            ),
            kind=UpstreamKind.ANTHROPIC,
            strategy=Strategy.WEIGHTED,
            models=("gpt-*", "o3"),
        ),
        Upstream(
            name="kimi",
            base_url="https://kimi.example/v1",
            credentials=(Credential("k", ApiKey("sk-kimi-key-0123456789")),),
            prefix="kimi",
            model_aliases={"our-coder": "kimi-k2-0905"},
            headers={"X-Team": "search"},
            drop_params=frozenset({"store", "metadata"}),
            capabilities=frozenset({Capability.TEXT}),
            repair_tool_ids=True,
            has_responses=False,
            default_max_tokens=99,
            usage_in_streams=True,
            error_rules=(
                ErrorRule(then=Action.COOL_AND_NEXT, status=403, contains=' "quota" ', for_s=2.5),
            ),
        ),
    )


def test_the_defaults_of_a_table_are_those_of_the_domain() -> None:
    text = '[upstreams.openai]\ncredentials = [{ id = "a", key = "sk-a" }]'
    (upstream,) = mapped(text).routes.upstreams
    assert upstream == Upstream(
        name="openai",
        base_url="https://api.openai.com/v1",
        credentials=(Credential("a", ApiKey("sk-a")),),
        usage_in_streams=True,
    )
    assert upstream.capabilities == ALL_CAPABILITIES


KIMI = WHOLE[WHOLE.index("[upstreams.kimi]") :]
OPENAI = '[upstreams.openai]\ncredentials = [{ id = "o", key = "sk-o" }]'


@pytest.mark.parametrize(
    ("text", "environment", "names", "default"),
    [
        ("", {}, ["openai"], "openai"),
        (KIMI, {}, ["kimi"], "kimi"),
        (KIMI, {"OPENAI_API_KEY": "sk-x"}, ["openai", "kimi"], "openai"),
        (KIMI, {"OPENAI_BASE_URL": "http://127.0.0.1:9"}, ["openai", "kimi"], "openai"),
        (f'default_upstream = "kimi"\n{KIMI}', {"OPENAI_API_KEY": "x"}, ["openai", "kimi"], "kimi"),
        (f"{KIMI}{OPENAI}", {}, ["kimi", "openai"], "openai"),
        (KIMI, {"OPENAI_PASSTHROUGH_ENABLED": "false", "OPENAI_API_KEY": "x"}, [], None),
    ],
)  # fmt: skip
def test_openai_is_the_default_if_there_is_one_else_the_first(
    text: str, environment: dict[str, str], names: list[str], default: str | None
) -> None:
    routes = mapped(text, **environment).routes
    assert [it.name for it in routes.upstreams] == names
    assert routes.default_upstream == default


def test_cool_downs_and_the_expiry_warning_are_mapped_to_seconds() -> None:
    default = mapped("")
    assert default.cooldowns == Cooldowns()
    assert default.expiry_warning_s == 7 * 86_400
    chosen = mapped(
        "",
        COOLDOWN_AUTH_MS="1000",
        COOLDOWN_SERVER_MS="2000",
        COOLDOWN_MAX_MS="3500",
        CREDENTIAL_EXPIRY_WARNING_DAYS="1",
    )
    assert chosen.cooldowns == Cooldowns(auth_s=1.0, server_s=2.0, max_s=3.5)
    assert chosen.expiry_warning_s == 86_400


@pytest.mark.parametrize(("modified_at", "expires_at"), [(0, JANUARY_2027), (1, None)])
def test_the_end_is_void_for_a_file_that_was_written_after_it(
    modified_at: float, expires_at: float | None
) -> None:
    text = WHOLE.replace('key_env = "KEY_A"', 'key_file = "key"')
    os.utime("key", (0, JANUARY_2027 + modified_at))
    assert mapped(text).routes.upstreams[0].credentials[0].expires_at == expires_at


def test_key_files_are_those_of_enabled_upstreams() -> None:
    assert [(it.id, it.path) for it in key_files(load().settings)] == [
        ("team-b", Path.cwd() / "key")
    ]
    assert key_files(load(OPENAI_PASSTHROUGH_ENABLED="false").settings) == ()


def test_a_missing_key_is_an_error_of_the_mapping_too() -> None:
    with pytest.raises(SecretError, match="KEY_A is not set"):
        configuration(load().settings, {})


def test_a_gateways_own_address_is_found_in_every_table() -> None:
    text = KIMI.replace(" https://kimi.example/v1 ", "http://localhost:3456/v1")
    settings = load(text, OPENAI_BASE_URL="http://127.0.0.1:3456").settings
    assert list(settings.own_upstreams()) == ["OPENAI_BASE_URL", "upstreams.kimi.base_url"]


def test_upstreams_are_described_with_masked_secrets() -> None:
    shown = list(load(WHOLE.replace('id = "team-b"', 'id = "team-b"\nweight = 2')).describe())
    source = "  (modegate.toml)"
    third = f"expires at 2027-01-31T00:00:00+00:00{source}"
    rule = "status 403, contains ' \"quota\" ', then cool-and-next for 2.5 s"
    key = f"sk-file-****6789 from {Path.cwd()}/key"
    for line in (
        f"default_upstream = openai{source}",
        f"upstreams.openai.strategy = weighted{source}",
        f"upstreams.openai.models = gpt-*, o3{source}",
        "upstreams.openai.headers = -  (default)",
        "upstreams.openai.error_rules = -  (default)",
        "upstreams.openai.repair_tool_ids = false  (default)",
        "upstreams.openai.responses = auto  (default)",
        f"upstreams.openai.credentials, entry 1 = team-a, **** from KEY_A, weight 3, {third}",
        f"upstreams.openai.credentials, entry 2 = team-b, {key}, weight 2{source}",
        f"upstreams.kimi.credentials, entry 1 = k, sk-kimi-****6789, weight 1{source}",
        f"upstreams.kimi.headers = X-Team=****{source}",
        f"upstreams.kimi.model_aliases = our-coder=kimi-k2-0905{source}",
        f"upstreams.kimi.error_rules, entry 1 = {rule}{source}",
    ):
        assert line in shown
    assert "0123456789" not in "\n".join(shown)


def test_cleaned_values_and_upstreams_that_no_request_reaches_are_warnings() -> None:
    text = WHOLE.replace('prefix = "kimi"\n', "").replace('"our-coder" = "kimi-k2-0905"', "")
    assert load(text).warnings == (
        "upstreams.kimi.base_url: blanks around the value were removed (from modegate.toml)",
        "upstreams.kimi: no request reaches it: give it models, a prefix or model_aliases",
    )


def test_a_variable_with_a_key_is_not_an_unknown_variable() -> None:
    text = KIMI.replace('key = "sk-kimi-key-0123456789"', 'key_env = "MODEGATE_KIMI_KEY"')
    (warning,) = load(text, MODEGATE_KIMI_KEY="sk-x", MODEGATE_OTHER="x").warnings[:1]
    assert warning.startswith("MODEGATE_OTHER: unknown variable")


def test_settings_without_upstreams_have_one_line_for_them() -> None:
    assert "upstreams = -  (default)" in list(load("").describe())


def test_settings_of_an_embedder_have_the_same_checks() -> None:
    table = {"base_url": "http://127.0.0.1:9/v1", "credentials": [{"id": "a", "key": "k"}]}
    assert Settings.model_validate({"upstreams": {"a": table}}).default_name() == "a"
    with pytest.raises(ValueError, match=r"upstreams.b.credentials, entry 1, id: 'a' is also"):
        Settings.model_validate({"upstreams": {"a": table, "b": table}})
