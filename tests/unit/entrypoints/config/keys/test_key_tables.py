"""Keys of clients in the settings file."""

from pathlib import Path
from typing import Any

import pytest

from modegate.domain.access.key_rules import KeyRules
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.errors import InvalidKeyError
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings

SECRET = "sk-search-0123456789"  # noqa: S105 - not one
ENVIRONMENT = {"XDG_CONFIG_HOME": "nowhere", "SEARCH_KEY": f"'{SECRET}'\n", "OTHER": "sk-other-1"}
FILE = """
host = "0.0.0.0"
[keys.search]
key_env = "SEARCH_KEY"
models = ["haiku", "gpt-4o*"]
modes = ["claude-code"]
mode = "claude-code"
expires_at = 2027-01-31T00:00:00Z
rpm = 60
budget = { usd = 20, period = "week" }
[keys.batch]
name = "nightly batch"
key_file = "batch"
enabled = false
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("batch").write_text("sk-batch-0123456789\n")


def load(text: str, environment: dict[str, str] | None = None, **options: Any) -> LoadedSettings:
    Path("modegate.toml").write_text(text)
    return load_settings({**ENVIRONMENT, **(environment or {})}, **options)


def faults(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(text, environment)
    return [it.removesuffix(" (from modegate.toml)") for it in caught.value.faults]


def test_a_table_is_a_key_with_its_rules() -> None:
    settings = load(FILE, {"API_KEY": "sk-plain-0123456789"}).settings
    ring = mapping.configuration(settings, ENVIRONMENT | {"SEARCH_KEY": SECRET}).keys
    assert [(it.id, it.name, it.source) for it in ring.keys] == [
        ("env-1", "env-1", "environment"),
        ("search", "search", "file"),
        ("batch", "nightly batch", "file"),
    ]
    client = ring.identify(f"Bearer {SECRET}", None, lambda: 0.0)
    assert (client.id, client.key_id) == ("search", "search")
    assert client.rules == KeyRules(
        models=("haiku", "gpt-4o*"),
        modes=("claude-code",),
        mode="claude-code",
        rpm=60,
        budget=Budget(20.0, None, Period.WEEK),
    )
    with pytest.raises(InvalidKeyError, match="expired"):
        ring.identify(f"Bearer {SECRET}", None, lambda: 2e9)
    with pytest.raises(InvalidKeyError, match="disabled"):
        ring.identify(None, "sk-batch-0123456789")


def test_keys_are_shown_without_secrets() -> None:
    shown = [it for it in load(FILE).describe() if it.startswith("keys.")]
    assert shown == [
        f"keys.{it}  (modegate.toml)"
        for it in (
            "search.key_env = SEARCH_KEY: sk-search-****6789",
            "search.models = haiku, gpt-4o*",
            "search.modes = claude-code",
            "search.mode = claude-code",
            "search.expires_at = 2027-01-31T00:00:00+00:00",
            "search.rpm = 60",
            "search.budget = 20 USD a week",
            "batch.name = nightly batch",
            f"batch.key_file = {Path('batch').absolute()}: sk-batch-****6789",
            "batch.enabled = false",
        )
    ]
    (line,) = (it for it in load("[keys.a]\nkey = 'sk-in-the-file-1'").describe() if "keys." in it)
    assert line == "keys.a.key = sk-in-****le-1  (modegate.toml)"


WRONG_IN_EVERY_LINE = """
[keys.search]
key_env = "A B"
models = "haiku"
modes = ["claude"]
mode = "claude"
expires_at = 2027-01-31
rpm = 0
tpm = "5"
concurrency = true
enabled = "yes"
limit = 1
[keys.search.budget]
usd = -1
[keys."a b"]
key = "sk"
[keys.x]
key_file = "none"
[keys.y]
key_envv = "OTHER"
"""
FAULTS = """
keys.search.key_env: must be the name of a variable
keys.search.models: must be a list of 1 to 256 names like "sonnet" or "gpt-4o*", with * at the end only; without the field, every model is allowed
keys.search.modes: must be a list of "claude-code" or "openai-passthrough"; without the field, every mode is allowed
keys.search.mode: must be claude-code or openai-passthrough
keys.search.expires_at: must be a date, a time and a zone, like 2027-01-31T00:00:00Z, or Unix seconds
keys.search.rpm: must be a whole number of 1 to 1000000000
keys.search.tpm: must be a whole number of 1 to 1000000000
keys.search.concurrency: must be a whole number of 1 to 1000000000
keys.search.budget: is wrong: usd must be a number above 0, at most 1e+09
keys.search.enabled: must be true or false
keys.search.limit: unknown key in modegate.toml
keys."a b": must have letters, digits, dots, hyphens and underscores only, at most 64, and begin with a letter or a digit
keys.y.key_envv: unknown key in modegate.toml; did you mean key_env?
keys.x.key_file: {folder}/none does not exist
"""


def test_a_file_that_is_wrong_in_every_line_has_a_fault_for_each(tmp_path: Path) -> None:
    assert faults(WRONG_IN_EVERY_LINE) == FAULTS.format(folder=tmp_path).strip().splitlines()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("keys = 1", "keys: must be a table, like [keys.NAME]"),
        ("[keys]\na = 1", "keys.a: must be a table, like [keys.a]"),
        (
            "[keys.a]\nkey = 'sk-a-0123456789'\nmodes = ['claude-code']\nmode = 'openai-passthrough'",
            "keys.a.mode: must be one of the modes that the key may use: claude-code",
        ),
        ("[keys.a]\nrpm = 1", "keys.a: needs a key: key_env, key_file or key"),
        ("[keys.a]\nkey = 'x'\nkey_env = 'OTHER'", "keys.a: has key_env and key: keep one of them"),
        ("[keys.a]\nkey_env = 'ABSENT'", "keys.a.key_env: ABSENT is not set"),
        ("[keys.env-3]\nkey = 'x'", "keys.env-3: is reserved as a name of keys: choose another one"),
        ("[keys.a]\nkey_env = 'OTHER'\n[keys.b]\nkey = 'sk-other-1'", "keys.b: is also the key of keys.a: choose another one"),
        ("api_key = 'x'\n[keys.a]\nkey = 'x'", "keys.a: is also one of API_KEY and API_KEYS: choose another one"),
        ("admin_key = 'x'\n[keys.a]\nkey = 'x'", "keys.a: is also a key of operators: choose another one"),
    ],
)  # fmt: skip
def test_faults_between_values_are_found(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_a_key_of_the_file_lets_the_gateway_start_on_a_public_address() -> None:
    assert load(FILE).settings.key_count == 2
    assert "there is no key" in faults("host = '0.0.0.0'")[0]


def test_commands_that_need_no_secrets_do_not_read_them() -> None:
    loaded = load("[keys.a]\nkey_env = 'ABSENT'", with_secrets=False)
    assert list(loaded.settings.keys) == ["a"]


def test_variables_of_keys_are_not_warned_about() -> None:
    text = "[keys.a]\nkey_env = 'MODEGATE_SEARCH'"
    assert load(text, {"MODEGATE_SEARCH": "sk-x"}).warnings == ()
    assert isinstance(load(text, {"MODEGATE_SEARCH": "sk-x"}).settings, Settings)
