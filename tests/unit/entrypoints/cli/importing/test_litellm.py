from pathlib import Path
from typing import Any

import pytest
import yaml
from support.importing import Loaded, load

from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.litellm.convert import import_litellm

LITERAL = "sk-real-secret-of-someone"


def imported(text: str, folder: Path) -> Loaded:
    return load(import_litellm(yaml.safe_load(text)), folder)


def deployment(name: str, model: str, **params: object) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def models(folder: Path, *rows: dict[str, Any], **sections: object) -> Loaded:
    root = {"model_list": list(rows), **sections}
    return load(import_litellm(root), folder)


def test_models_with_the_same_credentials_share_an_upstream(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        deployment("small", "openai/gpt-small", api_key="os.environ/TEAM_KEY"),
        deployment("gpt-large", "gpt-large", api_key="os.environ/TEAM_KEY"),
        deployment("fast", "groq/llama", api_key="os.environ/FAST_KEY"),
    )
    openai = found.settings.upstreams["api-openai"]
    assert (openai.models, openai.model_aliases) == (("gpt-large",), {"small": "gpt-small"})
    assert found.credentials("api-openai") == [("TEAM_KEY", 1)]
    assert found.settings.upstreams["groq"].base_url == "https://api.groq.com/openai/v1"
    assert found.settings.default_upstream == "api-openai"
    assert found.left == ()


def test_a_variable_named_openai_api_key_makes_no_second_upstream(tmp_path: Path) -> None:
    found = models(tmp_path, deployment("gpt-x", "gpt-x", api_key="os.environ/OPENAI_API_KEY"))
    assert found.settings.default_name() == "api-openai"


@pytest.mark.parametrize(
    ("weights", "strategy", "expected"),
    [
        ([{}, {}], Strategy.ROUND_ROBIN, [1, 1]),
        ([{"rpm": 10}, {"rpm": 10}], Strategy.ROUND_ROBIN, [1, 1]),
        ([{"rpm": 10}, {"rpm": 30}], Strategy.WEIGHTED, [10, 30]),
        ([{"weight": 1, "rpm": 9}, {"weight": 2, "rpm": 9}], Strategy.WEIGHTED, [1, 2]),
    ],
)
def test_deployments_that_differ_in_their_keys_are_credentials(
    weights: list[dict[str, int]], strategy: Strategy, expected: list[int], tmp_path: Path
) -> None:
    rows = (
        deployment("gpt-x", "gpt-x", api_key=f"os.environ/KEY_{index}", **weight)
        for index, weight in enumerate(weights)
    )
    found = models(tmp_path, *rows)
    assert found.settings.upstreams["api-openai"].strategy is strategy
    assert found.credentials("api-openai") == [("KEY_0", expected[0]), ("KEY_1", expected[1])]


def test_a_deployment_elsewhere_is_left_with_its_place(tmp_path: Path) -> None:
    found = models(
        tmp_path, deployment("gpt-x", "gpt-x"), deployment("gpt-x", "openrouter/openai/gpt-x")
    )
    assert [*found.settings.upstreams] == ["api-openai"]
    assert found.left[0].startswith("model_list, entry 2: a model has one upstream")


def test_a_literal_secret_becomes_a_variable_and_is_not_printed(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        deployment("a", "openai/a", api_key=LITERAL),
        deployment("b", "openai/b", api_key=LITERAL),
        deployment("c", "openai/c", api_key=LITERAL + "-2"),
        general_settings={"master_key": LITERAL + "-3", "database_url": LITERAL},
        environment_variables={"OPENAI_API_KEY": LITERAL},
    )
    assert found.credentials("api-openai") == [("OPENAI_KEY", 1)]
    assert found.credentials("api-openai-2") == [("OPENAI_KEY_2", 1)]
    assert found.settings.keys["litellm-master"].key_env == "LITELLM_MASTER_KEY"
    assert (
        "set OPENAI_KEY to the value of model_list, entry 1, litellm_params.api_key" in found.to_do
    )
    assert LITERAL not in f"{found.text}{found.left}{found.to_do}"


@pytest.mark.parametrize("key", ["os.environ/A_KEY", "${A_KEY}"])
def test_a_key_that_names_a_variable_keeps_it(key: str, tmp_path: Path) -> None:
    found = models(tmp_path, deployment("a", "openai/a", api_key=key))
    assert found.credentials("api-openai") == [("A_KEY", 1)]
    assert found.to_do == ()


@pytest.mark.parametrize(
    ("name", "model", "models_", "prefix"),
    [
        ("*", "openai/*", ("*",), None),
        ("gpt-*", "openai/gpt-*", ("gpt-*",), None),
        ("team/*", "openai/*", (), "team"),
    ],
)
def test_wildcards_become_patterns_and_prefixes(
    name: str, model: str, models_: tuple[str, ...], prefix: str | None, tmp_path: Path
) -> None:
    upstream = models(tmp_path, deployment(name, model)).settings.upstreams["api-openai"]
    assert (upstream.models, upstream.prefix) == (models_, prefix)


@pytest.mark.parametrize(
    ("params", "url"),
    [
        ({"model": "azure/x", "api_base": "https://a.openai.azure.com/"}, "https://a.openai.azure.com/openai/v1"),
        ({"model": "azure/x", "api_base": "os.environ/A_BASE"}, "https://a-base.invalid/openai/v1"),
        ({"model": "ollama/x", "api_base": "http://gpu:11434"}, "http://gpu:11434/v1"),
        ({"model": "openai/x", "api_base": "http://gpu:8000/v1/"}, "http://gpu:8000/v1"),
        ({"model": "own/x", "api_base": "http://gpu:8000/v1"}, "http://gpu:8000/v1"),
        ({"model": "x", "custom_llm_provider": "groq"}, "https://api.groq.com/openai/v1"),
        ({"model": "claude-x"}, "https://api.anthropic.com/v1"),
    ],
)  # fmt: skip
def test_addresses_are_those_of_apis_in_openais_form(
    params: dict[str, str], url: str, tmp_path: Path
) -> None:
    found = models(tmp_path, {"model_name": "m", "litellm_params": params})
    assert [it.base_url for it in found.settings.upstreams.values()] == [url]


@pytest.mark.parametrize(
    ("row", "left"),
    [
        (deployment("m", "bedrock/x"), "model_list, entry 1, litellm_params.model: the provider's API"),
        (deployment("m", "unheard-of"), "model_list, entry 1, litellm_params.model: the provider is not known"),
        (deployment("m", "azure/x"), "model_list, entry 1, litellm_params.api_base: is missing"),
        (deployment("m", "azure/"), "model_list, entry 1, litellm_params.model: names no model"),
        (deployment("a*b", "openai/x"), "model_list, entry 1: is no name of a model"),
        (deployment("x-*", "openai/y-*"), "model_list, entry 1: is no name of a model"),
        (deployment("m", "openai/x", api_base=f"https://u:{LITERAL}@h/v1"),
         "model_list, entry 1, litellm_params.api_base: is no address"),
        ({"litellm_params": {}}, "model_list, entry 1: has no model_name"),
    ],
)  # fmt: skip
def test_what_modegate_cannot_serve_is_left(row: dict[str, Any], left: str) -> None:
    carried = import_litellm({"model_list": [row]})
    assert carried.is_empty
    assert [f"{it.where}: {it.why}".startswith(left) for it in carried.leftovers] == [True]
    assert LITERAL not in str(carried)


def test_every_other_setting_is_named(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        deployment("m", "openai/m", temperature=0, rpm=5, timeout=3, extra_headers={"X": LITERAL}),
        litellm_settings={"fallbacks": [{"m": ["n"]}], "cache": True, "set_verbose": False},
        router_settings={"routing_strategy": "simple-shuffle", "redis_host": "r"},
        guardrails=[{"guardrail_name": "g"}],
    )
    assert [it.partition(": ")[0] for it in found.left] == [
        "model_list, entry 1, litellm_params.rpm",
        "model_list, entry 1, litellm_params.timeout",
        "model_list, entry 1, litellm_params.extra_headers",
        "litellm_settings.fallbacks",
        "litellm_settings.cache",
        "router_settings.redis_host",
        "guardrails",
    ]
    assert all(f"# - {it}" in found.text for it in found.left)
    assert LITERAL not in found.text


def test_other_names_lead_to_the_same_model(tmp_path: Path) -> None:
    found = models(
        tmp_path,
        deployment("m", "openai/gpt-m"),
        router_settings={"model_group_alias": {"n": "m", "o": {"model": "m"}, "p": "absent"}},
    )
    aliases = found.settings.upstreams["api-openai"].model_aliases
    assert aliases == {"m": "gpt-m", "n": "gpt-m", "o": "gpt-m"}
    assert found.left == (
        "router_settings.model_group_alias.p: the model that it stands for was not carried over",
    )


def test_timeouts_and_retries_of_all_are_carried(tmp_path: Path) -> None:
    found = imported("litellm_settings: {request_timeout: 1.5, num_retries: 3}", tmp_path)
    assert (found.settings.request_timeout_ms, found.settings.upstream_max_retries) == (1500, 3)


@pytest.mark.parametrize(
    ("duration", "period"), [("1d", "day"), ("7d", "week"), ("30d", "month"), ("1mo", "month")]
)
def test_the_budget_of_the_gateway_is_carried(duration: str, period: str, tmp_path: Path) -> None:
    root = {"litellm_settings": {"max_budget": 100, "budget_duration": duration}}
    found = load(import_litellm(root), tmp_path)
    assert found.settings.budget == Budget(usd=100.0, period=Period(period))
    assert found.left == ()


def test_a_budget_for_ever_is_left() -> None:
    carried = import_litellm({"litellm_settings": {"max_budget": 100}})
    assert carried.is_empty
    assert "day, week or month" in carried.leftovers[0].why


def test_listed_keys_keep_their_rules(tmp_path: Path) -> None:
    found = imported(
        """
        keys:
          - key_alias: Search team
            token: 88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b
            models: [gpt-m, "claude-*"]
            rpm_limit: 60
            tpm_limit: 1000
            max_parallel_requests: 4
            max_budget: 20.0
            budget_duration: 30d
            expires: "2031-01-31T00:00:00"
            blocked: true
            team_id: t
          - key_alias: env-1
            models: [all-team-models]
            max_budget: 5
        """,
        tmp_path,
    )
    key = found.settings.keys["search-team"]
    assert (key.key_env, key.models) == ("SEARCH_TEAM_CLIENT_KEY", ("gpt-m", "claude-*"))
    assert (key.rpm, key.tpm, key.concurrency, key.enabled) == (60, 1000, 4, False)
    assert key.budget == Budget(usd=20.0, period=Period.MONTH)
    assert key.expires_at == 1_927_584_000
    assert found.settings.keys["key-env-1"].models == ()
    assert [it.partition(": ")[0] for it in found.left] == [
        *("keys, entry 1, team_id", "keys, entry 2, models"),
        "keys, entry 2, max_budget",
    ]
    assert "88dc28d0" not in found.text


@pytest.mark.parametrize(
    "root", [None, [], "text", 3, {}, {"model_list": "x"}, {"model_list": [1, None]}]
)
def test_a_file_of_another_kind_carries_nothing(root: object) -> None:
    assert import_litellm(root).is_empty
