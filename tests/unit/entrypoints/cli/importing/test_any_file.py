"""Whatever a file has, modegate accepts what is printed, and no secret is in it."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.importing import load

from modegate.entrypoints.cli.importing.litellm.convert import import_litellm
from modegate.entrypoints.cli.importing.portkey.convert import import_portkey

LITERAL = "sk-real-secret-of-someone"
NAMES = st.sampled_from(
    [*("gpt-m", "team/*", "*", "gpt-*", "claude", "openai/*", "a b", " x ", "'q'", "é", "\x7f", "")]
) | st.text(max_size=8)
MODELS = st.sampled_from(
    ["openai/gpt-m", "openai/*", "*", "groq/l", "azure/d", "bedrock/x", "own/y"]
)
SECRETS = st.sampled_from([None, LITERAL, f"{LITERAL}-2", "os.environ/A_KEY", "os.environ/B_KEY"])
HOSTS = st.sampled_from(
    [None, "http://h:1/v1", "os.environ/H_BASE", "no host", f"http://u:{LITERAL}@h"]
)
NUMBERS = st.none() | st.integers(-1, 5) | st.floats(0, 9) | st.just("x")
ORGANIZATIONS = st.sampled_from([None, "org-1", "os.environ/ORG", "\n"])


def _rows(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({}, optional=fields), max_size=5)


DEPLOYMENTS = st.fixed_dictionaries(
    {"model": MODELS},
    optional={"api_key": SECRETS, "api_base": HOSTS, "rpm": NUMBERS, "organization": ORGANIZATIONS},
)
KEYS = _rows(key_alias=NAMES, models=st.lists(NAMES, max_size=2), rpm_limit=NUMBERS, expires=NAMES)
LITELLM = st.fixed_dictionaries(
    {"model_list": _rows(model_name=NAMES, litellm_params=DEPLOYMENTS)},
    optional={
        "general_settings": st.fixed_dictionaries({"master_key": SECRETS}),
        "router_settings": st.fixed_dictionaries(
            {"model_group_alias": st.dictionaries(NAMES, NAMES, max_size=2), "timeout": NUMBERS}
        ),
        "keys": KEYS,
    },
)
TARGETS = _rows(
    provider=st.sampled_from(["openai", "@groq-prod", "@x", "bedrock", "azure-openai", "nobody"]),
    api_key=SECRETS,
    virtual_key=st.just(f"groq-{LITERAL}"),
    custom_host=HOSTS,
    weight=NUMBERS,
    override_params=st.fixed_dictionaries({"model": NAMES | st.just("@mistral-eu/m")}),
    openai_project=ORGANIZATIONS,
)
PORTKEY = st.fixed_dictionaries(
    {
        "strategy": st.fixed_dictionaries({"mode": st.sampled_from(["loadbalance", "fallback"])}),
        "targets": TARGETS | st.lists(st.fixed_dictionaries({"targets": TARGETS}), max_size=2),
    },
    optional={"retry": st.fixed_dictionaries({"attempts": NUMBERS}), "custom_host": HOSTS},
)


@settings(max_examples=60)
@given(LITELLM)
def test_litellm(root: dict[str, Any]) -> None:
    _accepted(import_litellm(root))


@settings(max_examples=60)
@given(PORTKEY)
def test_portkey(root: dict[str, Any]) -> None:
    _accepted(import_portkey(root))


def _accepted(carried: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = load(carried, Path(folder))
    assert LITERAL not in f"{found.text}{found.left}{found.to_do}"
