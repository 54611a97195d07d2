"""Every fault in the tables of upstreams, in the words of the operator's file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modegate.entrypoints.config import written_settings
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import SettingsError, load_settings
from modegate.entrypoints.config.upstreams.tables import (
    CredentialSettings,
    ErrorRuleSettings,
    UpstreamSettings,
)

FROM = " (from modegate.toml)"
# A table without faults, to which a test adds one.
GOOD = """
[upstreams.kimi]
base_url = "http://127.0.0.1:9/v1"
models = ["kimi-*"]
credentials = [{ id = "team", key = "sk-team" }]
"""
WRONG_IN_EVERY_LINE = """
default_upstream = "nobody"
[upstreams.openai]
kind = "azure"
base_url = "ftp://host"
strategy = "random"
strategi = "sticky"
models = ["a*b", "gpt-4", 3]
prefix = "a/b"
headers = { authorization = "x", Host = "h", "X Y" = "1", X-Z = "a\\u0001b", x-z = "2" }
drop_params = ["model"]
capabilities = ["smell"]
repair_tool_ids = "perhaps"
responses = "perhaps"
default_max_tokens = 0
[upstreams.openai.model_aliases]
"a*" = "b"
ours = 3
[[upstreams.openai.credentials]]
id = "claude"
key = "not a key"
key_env = "NOT_SET"
weight = 0
expires_at = 2027-01-31
[[upstreams.openai.credentials]]
id = "twice"
key_file = "missing"
[[upstreams.openai.credentials]]
weight = 2
[[upstreams.openai.error_rules]]
status = 99
contains = " "
for_s = -1
[[upstreams.openai.error_rules]]
then = "explode"
[[upstreams.openai.error_rules]]
status = 403
then = "next"
for_s = 5
[upstreams.kimi]
models = ["gpt-4"]
prefix = "a/b"
[upstreams.kimi.model_aliases]
ours = "kimi-k2"
[upstreams."not a name"]
base_url = "http://user:pw@host"
credentials = [{ id = "twice", key = "sk-x" }, 3]
[upstreams.empty]
credentials = 3
[upstreams.claude]
kind = "anthropic"
base_url = "https://api.example/v1/"
credentials = [{ id = "c", key = "sk-x" }]
"""
ALL_FAULTS = """\
upstreams.openai.kind: must be openai or anthropic
upstreams.openai.base_url: must be like https://host:port/v1
upstreams.openai.strategy: must be fill-first, round-robin, weighted or sticky
upstreams.openai.models, entry 1: must have a * at its end only
upstreams.openai.models, entry 3: must be text, in quotes
upstreams.openai.prefix: must be the part before the /, without /, * and blanks
upstreams.openai.model_aliases."a*": must be an exact name, without *
upstreams.openai.model_aliases.ours: must be text, in quotes
upstreams.openai.headers.authorization: must not be set here: it comes from the credentials
upstreams.openai.headers.Host: must not be set: it belongs to the connection
upstreams.openai.headers."X Y": must be the name of a header, without blanks and colons
upstreams.openai.headers.X-Z: must have visible ASCII characters, and blanks within only
upstreams.openai.drop_params, entry 1: must not be model, which every request needs
upstreams.openai.capabilities, entry 1: must be text, image, audio or embeddings
upstreams.openai.repair_tool_ids: must be true or false (or 1, 0, yes, no)
upstreams.openai.responses: must be true, false or auto
upstreams.openai.default_max_tokens: must be a whole number, 1 to 1000000
upstreams.openai.credentials, entry 1, key: must have visible ASCII characters only
upstreams.openai.credentials, entry 1, weight: must be a whole number, 1 to 1000000
upstreams.openai.credentials, entry 1, expires_at: must be a date, a time and a zone, like 2027-01-31T00:00:00Z
upstreams.openai.error_rules, entry 1, status: must be a whole number, 300 to 599
upstreams.openai.error_rules, entry 1, contains: must not be empty
upstreams.openai.error_rules, entry 1, for_s: must be a number of seconds above 0, at most 604800
upstreams.openai.error_rules, entry 2, then: must be stop, next, cool or cool-and-next
upstreams.openai.strategi: unknown key in modegate.toml; did you mean strategy?
upstreams.kimi.prefix: must be the part before the /, without /, * and blanks
upstreams."not a name": must have letters, digits, dots, hyphens and underscores only, at most 64, and begin with a letter or a digit
upstreams."not a name".base_url: must not hold a user or a password: a key goes into credentials
upstreams."not a name".credentials, entry 2: must be a table
upstreams.empty.credentials: must be a list of tables, like [[upstreams.empty.credentials]]
upstreams.openai: is also made by OPENAI_API_KEY and OPENAI_BASE_URL: unset OPENAI_API_KEY and OPENAI_BASE_URL, or remove this table
upstreams.openai.credentials, entry 1, id: must not be claude, which is reserved
upstreams.openai.credentials, entry 1: has key_env and key: keep one of them
upstreams.openai.credentials, entry 3, id: is missing
upstreams.openai.credentials, entry 3: needs a key: key_env, key_file or key
upstreams.openai.error_rules, entry 1, then: is missing: stop, next, cool or cool-and-next
upstreams.openai.error_rules, entry 2: needs status, contains or both
upstreams.openai.error_rules, entry 3, for_s: has no effect with then = 'next': it is for cool
upstreams.openai.headers.x-z: is the same header as X-Z
upstreams.kimi.base_url: is missing: an address like https://host/v1
upstreams.kimi.credentials: are missing: add [[upstreams.kimi.credentials]] with an id and a key
upstreams.empty.base_url: is missing: an address like https://host/v1
upstreams.claude.base_url: must end before /v1, which is a part of Anthropic's paths
upstreams."not a name".credentials, entry 1, id: 'twice' is also the id of upstreams.openai.credentials, entry 2, id
upstreams.kimi.prefix: 'a/b' is also that of upstreams.openai.prefix
upstreams.kimi.models, entry 1: 'gpt-4' is also in upstreams.openai.models, entry 2
upstreams.kimi.model_aliases.ours: 'ours' is also in upstreams.openai.model_aliases.ours
default_upstream: 'nobody' is no upstream; use one of: openai, kimi, not a name, empty, claude
upstreams.openai.credentials, entry 1, key_env: NOT_SET is not set
upstreams.openai.credentials, entry 2, key_file: {folder}/missing does not exist
"""


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, **environment: str) -> Settings:
    Path("modegate.toml").write_text(text)
    return load_settings({"XDG_CONFIG_HOME": "nowhere"} | environment).settings


def faults(text: str, **environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(text, **environment)
    return [fault.removesuffix(FROM) for fault in caught.value.faults]


def test_a_file_that_is_wrong_in_every_line_has_all_faults_named_at_once() -> None:
    environment = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    expected = ALL_FAULTS.replace("{folder}", str(Path.cwd())).splitlines()
    assert faults(WRONG_IN_EVERY_LINE, **environment) == expected


def test_the_table_without_faults_is_accepted() -> None:
    assert load(GOOD).upstreams["kimi"].models == ("kimi-*",)


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ("upstreams = 3", "upstreams: must be a table, like [upstreams.NAME]"),
        ("upstreams = false", "upstreams: must be a table, like [upstreams.NAME]"),
        ("upstreams.kimi = 3", "upstreams.kimi: must be a table, like [upstreams.kimi]"),
        ("default_upstream = 3", "default_upstream: must be text, in quotes"),
    ],
)
def test_what_should_be_a_table_is_named(added: str, expected: str) -> None:
    assert faults(added) == [expected]


KIMI = "upstreams.kimi"
ENTRY = "upstreams.kimi.credentials, entry 2"


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ('id = "team"\nkey = "k"', [f"{ENTRY}, id: 'team' is also the id of {KIMI}.credentials, entry 1, id"]),
        ('id = "client"\nkey = "k"', [f"{ENTRY}, id: must not be client, which is reserved"]),
        ('id = "a/b"\nkey = "k"', [f"{ENTRY}, id: must have letters, digits, dots, hyphens and underscores only, at most 64, and begin with a letter or a digit"]),
        ('id = ""\nkey = "k"', [f"{ENTRY}, id: is missing"]),
        ('id = "b"\nkey = ""', [f"{ENTRY}: needs a key: key_env, key_file or key"]),
        ('id = "b"\nkey_file = ""', [f"{ENTRY}: needs a key: key_env, key_file or key"]),
        ('id = "b"\nkey_env = "UNSET"', [f"{ENTRY}, key_env: UNSET is not set"]),
        ('id = "b"\nkey_env = "BLANK"', [f"{ENTRY}, key_env: BLANK is not set"]),
        ('id = "b"\nkey_env = "ODD"', [f"{ENTRY}, key_env: ODD must have visible ASCII characters only"]),
        ('id = "b"\nkey_env = "a=b"', [f"{ENTRY}, key_env: must be the name of a variable"]),
        ('id = "b"\nkey_env = 3', [f"{ENTRY}, key_env: must be text, in quotes"]),
        ('id = "b"\nkey_file = "."', [f"{ENTRY}, key_file: {{folder}} is not a regular file"]),
        ('id = "b"\nkey_file = "empty"', [f"{ENTRY}, key_file: {{folder}}/empty is empty"]),
        ('id = "b"\nkey_file = "binary"', [f"{ENTRY}, key_file: {{folder}}/binary must be text in UTF-8"]),
        ('id = "b"\nkey_file = "words"', [f"{ENTRY}, key_file: {{folder}}/words must have visible ASCII characters only"]),
        ('id = "b"\nkey_file = 3', [f"{ENTRY}, key_file: must be the path of a file"]),
        ('id = "b"\nkey_file = "empty"\nkey = "k"', [f"{ENTRY}: has key_file and key: keep one of them", f"{ENTRY}, key_file: {{folder}}/empty is empty"]),
        ('id = "b"\nkey = "k"\nweight = true', [f"{ENTRY}, weight: must be a whole number, 1 to 1000000"]),
        ('id = "b"\nkey = "k"\nexpires_at = 2027-01-31T00:00:00', [f"{ENTRY}, expires_at: must be a date, a time and a zone, like 2027-01-31T00:00:00Z"]),
    ],
)  # fmt: skip
def test_a_faulty_credential_is_named(added: str, expected: list[str]) -> None:
    Path("empty").write_text(" \n")
    Path("binary").write_bytes(b"\xff\xfe")
    Path("words").write_text("not a key")
    listed = [it.replace("{folder}", str(Path.cwd())) for it in expected]
    first = GOOD.replace(
        'credentials = [{ id = "team", key = "sk-team" }]',
        '[[upstreams.kimi.credentials]]\nid = "team"\nkey = "sk-team"',
    )
    text = f"{first}\n[[upstreams.kimi.credentials]]\n{added}"
    assert faults(text, BLANK=" ", ODD="a b") == listed


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ('prefix = "a*"', f"{KIMI}.prefix: must be the part before the /, without /, * and blanks"),
        ('headers = { X = "\\u00e4" }', f"{KIMI}.headers.X: must have visible ASCII characters, and blanks within only"),
        ('headers = { AUTHORIZATION = "x" }', f"{KIMI}.headers.AUTHORIZATION: must not be set here: it comes from the credentials"),
        ('headers = "x"', f"{KIMI}.headers: must be a table"),
        ('error_rules = [{ then = "stop" }]', f"{KIMI}.error_rules, entry 1: needs status, contains or both"),
        ("error_rules = [{ status = 400 }]", f"{KIMI}.error_rules, entry 1, then: is missing: stop, next, cool or cool-and-next"),
        ('model_aliases = { "" = "x" }', f'{KIMI}.model_aliases."": must not be empty'),
        ('model_aliases = { "kimi-*" = "x" }', f'{KIMI}.model_aliases."kimi-*": must be an exact name, without *'),
        ("credential = []", f"{KIMI}.credential: unknown key in modegate.toml; did you mean credentials?"),
        ('headers = { X = "" }', f"{KIMI}.headers.X: must have visible ASCII characters, and blanks within only"),
    ],
)  # fmt: skip
def test_a_faulty_value_of_an_upstream_is_named(added: str, expected: str) -> None:
    assert expected in faults(f"{GOOD}\n{added}")


def test_a_model_that_is_listed_twice_is_a_fault() -> None:
    text = f'{GOOD}[upstreams.b]\nbase_url = "http://b/v1"\nmodels = "kimi-*, own, own"\n'
    text += 'credentials = [{ id = "b", key = "k" }]\nmodel_aliases = { own = "x" }'
    assert faults(text) == [
        "upstreams.b.models, entry 1: 'kimi-*' is also in upstreams.kimi.models, entry 1",
        "upstreams.b.models, entry 3: 'own' is also in upstreams.b.models, entry 2",
        "upstreams.b.model_aliases.own: 'own' is also in upstreams.b.models, entry 2",
    ]


def test_the_id_of_the_variables_key_cannot_be_used_again() -> None:
    text = GOOD.replace('"team"', '"env"')
    assert load(text).upstreams["kimi"].credentials[0].id == "env"
    assert faults(text, OPENAI_API_KEY="sk-x") == [
        "upstreams.kimi.credentials, entry 1, id: 'env' is also the id of OPENAI_API_KEY"
    ]


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_a_table_and_variables_for_openai_are_a_fault_that_names_both(variable: str) -> None:
    text = GOOD.replace("upstreams.kimi", "upstreams.openai")
    assert load(text).upstreams.keys() == {"openai"}
    assert faults(text, **{variable: "http://127.0.0.1:9/v1"}) == [
        f"upstreams.openai: is also made by {variable}: unset {variable}, or remove this table"
    ]


def test_an_unknown_default_upstream_is_a_fault_also_from_the_environment() -> None:
    assert load(GOOD, DEFAULT_UPSTREAM="kimi").default_upstream == "kimi"
    assert load(GOOD, DEFAULT_UPSTREAM="openai", OPENAI_API_KEY="x").default_upstream == "openai"
    assert load("", DEFAULT_UPSTREAM="openai").default_upstream == "openai"
    (fault,) = faults(GOOD, DEFAULT_UPSTREAM="openai")
    assert fault == (
        "DEFAULT_UPSTREAM: 'openai' is no upstream; use one of: kimi (from environment)"
    )


def test_faults_of_other_settings_are_named_beside_those_of_upstreams() -> None:
    text = f'port = 0\n{GOOD}strategy = "random"\nprefix = "/"'
    named = [fault.partition(":")[0] for fault in faults(text, HOST="0.0.0.0")]
    assert named == ["port", "upstreams.kimi.strategy", "upstreams.kimi.prefix", "HOST"]


def test_no_secret_is_in_a_fault() -> None:
    Path("file").write_text("sk-MARK not a key")
    text = f"""{GOOD}
headers = {{ X-Secret = "MARK\\u00e4" }}
[upstreams.other]
base_url = "http://user:MARK@host/v1"
[[upstreams.other.credentials]]
id = "a"
key = "MARK a"
[[upstreams.other.credentials]]
id = "b"
key_env = "KEY"
[[upstreams.other.credentials]]
id = "c"
key_file = "file"
"""
    found = faults(text, KEY="MARK a")
    assert len(found) == 5
    assert "MARK" not in "\n".join(found)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMED = ("upstreams", "default_upstream")
KEYS = st.sampled_from([*UpstreamSettings.model_fields, "other"])
KEYS_OF_ROW = st.sampled_from([*CredentialSettings.model_fields, *ErrorRuleSettings.model_fields])
ROWS = st.lists(st.dictionaries(KEYS_OF_ROW, VALUES, max_size=5) | VALUES, max_size=3)
TABLES = st.dictionaries(st.text(), st.dictionaries(KEYS, ROWS | VALUES) | VALUES, max_size=3)


@given(upstreams=TABLES | VALUES, default=VALUES)
@settings(max_examples=60)
def test_any_value_anywhere_is_accepted_or_a_named_fault(
    upstreams: object, default: object
) -> None:
    table = {"upstreams": upstreams, "default_upstream": default}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written_settings, "find_file", lambda *_: Path("x.toml"))
        patch.setattr(written_settings, "read_file", lambda _: (table, False))
        try:
            loaded = load_settings({})
        except SettingsError as error:
            named = error.faults
        else:
            named = [line for line in loaded.describe() if line.startswith(NAMED)]
    assert named
    for line in named:
        assert line.startswith(NAMED)
        assert line.isprintable()


def test_an_empty_value_counts_as_absent() -> None:
    table = load(f'{GOOD}\ncapabilities = []\nheaders = {{}}\nprefix = ""').upstreams["kimi"]
    assert (len(table.capabilities), table.prefix) == (4, None)


def test_keys_are_not_read_while_passthrough_is_disabled() -> None:
    text = GOOD.replace('key = "sk-team"', 'key_env = "UNSET"')
    assert faults(text) == ["upstreams.kimi.credentials, entry 1, key_env: UNSET is not set"]
    assert load(text, OPENAI_PASSTHROUGH_ENABLED="false").used_upstreams() == {}


def test_commands_that_send_nothing_to_upstreams_do_not_need_their_keys() -> None:
    Path("modegate.toml").write_text(GOOD.replace('key = "sk-team"', 'key_env = "UNSET"'))
    environment = {"XDG_CONFIG_HOME": "nowhere", "DEFAULT_UPSTREAM": "kimi"}
    assert load_settings(environment, with_upstreams=False).settings.upstreams == {}
