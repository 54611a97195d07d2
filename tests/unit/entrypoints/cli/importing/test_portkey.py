from pathlib import Path
from typing import Any

import pytest
from support.importing import Loaded, load

from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period
from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.portkey.convert import import_portkey

LITERAL = "sk-real-secret-of-someone"


def imported(root: object, folder: Path) -> Loaded:
    return load(import_portkey(root), folder)


def targets(mode: str, *rows: dict[str, Any], **rest: object) -> dict[str, Any]:
    return {"strategy": {"mode": mode}, "targets": list(rows), **rest}


@pytest.mark.parametrize("name", ["api_key", "apiKey"])
def test_a_single_provider_serves_every_model(name: str, tmp_path: Path) -> None:
    found = imported({"provider": "openai", name: LITERAL}, tmp_path)
    assert found.settings.upstreams["api-openai"].models == ()
    assert found.credentials("api-openai") == [("OPENAI_KEY", 1)]
    assert found.to_do == (f"set OPENAI_KEY to the value of {name}",)
    assert LITERAL not in found.text


@pytest.mark.parametrize(
    ("mode", "weights", "strategy", "expected"),
    [
        ("fallback", (None, None), Strategy.FILL_FIRST, (1, 1)),
        ("loadbalance", (None, None), Strategy.ROUND_ROBIN, (1, 1)),
        ("loadbalance", (0.5, 0.5), Strategy.ROUND_ROBIN, (1, 1)),
        ("loadbalance", (0.75, 0.25), Strategy.WEIGHTED, (3, 1)),
        ("loadbalance", (0.9, 0.1), Strategy.WEIGHTED, (9, 1)),
        ("loadbalance", (5, 1e-9), Strategy.WEIGHTED, (5000, 1)),
    ],
)
def test_keys_of_one_provider_are_credentials_of_one_upstream(
    mode: str,
    weights: tuple[float | None, float | None],
    strategy: Strategy,
    expected: tuple[int, int],
    tmp_path: Path,
) -> None:
    rows = ({"provider": "groq", "api_key": f"k-{it}", "weight": it} for it in weights)
    first, second = ({**row, "api_key": f"key-{index}"} for index, row in enumerate(rows))
    found = imported(targets(mode, first, second), tmp_path)
    assert found.settings.upstreams["groq"].strategy is strategy
    assert found.credentials("groq") == [("GROQ_KEY", expected[0]), ("GROQ_KEY_2", expected[1])]


def test_weights_without_a_small_common_scale_stay_within_the_bound(tmp_path: Path) -> None:
    primes = (997, 991, 983, 977)
    rows = [{"provider": "groq", "api_key": f"key-{it}", "weight": 1 / it} for it in primes]
    found = imported(targets("loadbalance", *rows), tmp_path)
    weights = [weight for _, weight in found.credentials("groq")]
    assert weights == sorted(weights)
    assert weights[-1] == 1_000_000


def test_other_providers_are_reached_by_a_prefix_and_the_lost_failover_is_named(
    tmp_path: Path,
) -> None:
    found = imported(
        targets("fallback", {"provider": "openai"}, {"provider": "mistral-ai"}), tmp_path
    )
    assert found.settings.default_upstream == "api-openai"
    assert found.settings.upstreams["mistral"].prefix == "mistral"
    assert found.left[0].startswith("targets, entry 2: modegate fails over and balances")


def test_a_fixed_model_is_what_clients_have_to_ask_for(tmp_path: Path) -> None:
    found = imported(
        {"provider": "openai", "override_params": {"model": "gpt-m", "temperature": 1}}, tmp_path
    )
    assert found.settings.upstreams["api-openai"].models == ("gpt-m",)
    assert [it.partition(": ")[0] for it in found.left] == [
        "override_params.model",
        "override_params.temperature",
    ]


@pytest.mark.parametrize(
    ("row", "name", "todo"),
    [
        ({"provider": "@openai-prod"}, "openai-prod", "keeps for targets, entry 1, provider"),
        ({"override_params": {"model": "@mistral-eu/m"}}, "mistral-eu", "override_params.model"),
        ({"virtual_key": "my-groq-a1b2c3"}, "groq", "keeps for targets, entry 1, virtual_key"),
        ({"virtualKey": "x1", "provider": "xai"}, "xai", "keeps for targets, entry 1, virtualKey"),
    ],
)
def test_keys_that_portkey_keeps_become_variables(
    row: dict[str, str], name: str, todo: str, tmp_path: Path
) -> None:
    found = imported(targets("single", row), tmp_path)
    assert [*found.settings.upstreams] == [name]
    assert found.to_do[0].endswith(todo)
    assert "a1b2c3" not in f"{found.text}{found.left}"


def test_nested_targets_inherit_their_host(tmp_path: Path) -> None:
    inner = targets(
        "loadbalance", {"provider": "openai", "api_key": "k"}, custom_host="http://h/v1"
    )
    found = imported(targets("fallback", inner), tmp_path)
    assert found.settings.upstreams["h"].base_url == "http://h/v1"


def test_azure_has_the_address_of_its_resource_or_a_placeholder(tmp_path: Path) -> None:
    azure = {"provider": "azure-openai", "api_key": "k"}
    named = imported(azure | {"resource_name": "r", "deployment_id": "d"}, tmp_path)
    assert named.settings.upstreams["azure"].base_url == "https://r.openai.azure.com/openai/v1"
    assert named.settings.upstreams["azure"].models == ("d",)
    unnamed = imported(azure, tmp_path)
    assert unnamed.settings.upstreams["azure"].base_url == "https://azure.invalid/openai/v1"
    assert any(it.startswith("replace https://azure.invalid by") for it in unnamed.to_do)


def test_every_other_setting_is_named(tmp_path: Path) -> None:
    found = imported(
        targets(
            "conditional",
            {"provider": "openai", "cache": {"mode": "simple"}, "requestTimeout": 5000},
            {"provider": "bedrock", "aws_secret_access_key": LITERAL},
            {"prompt_id": "p"},
            {"provider": "openai", "weight": 0},
            retry={"attempts": 4, "on_status_codes": [429]},
            output_guardrails=["g"],
        )
        | {"strategy": {"mode": "conditional", "conditions": [{"query": {}, "then": "x"}]}},
        tmp_path,
    )
    assert (found.settings.upstream_max_retries, found.settings.request_timeout_ms) == (4, 5000)
    assert {it.partition(": ")[0] for it in found.left} == {
        "output_guardrails",
        "retry.on_status_codes",
        "strategy.conditions",
        "targets, entry 1, cache",
        "targets, entry 2, aws_secret_access_key",
        "targets, entry 2, provider",
        "targets, entry 3",
        "targets, entry 3, prompt_id",
        "targets, entry 4",
    }
    assert LITERAL not in f"{found.text}{found.left}"


def test_integrations_of_the_gateways_file_are_upstreams(tmp_path: Path) -> None:
    found = imported(
        {
            "plugins_enabled": ["p"],
            "credentials": {"p": {"apiKey": LITERAL}},
            "integrations": [
                {
                    "provider": "openai",
                    "slug": "dev_team",
                    "credentials": {"apiKey": LITERAL},
                    "rate_limits": [{"type": "requests", "unit": "rpm", "value": 3}],
                    "models": [{"slug": "gpt-m", "status": "active"}, {"slug": "o", "status": "x"}],
                },
                {"provider": "groq", "slug": "other", "credentials": {}},
            ],
        },
        tmp_path,
    )
    assert found.settings.upstreams["dev_team"].models == ("gpt-m",)
    assert found.settings.upstreams["other"].prefix == "other"
    assert {it.partition(": ")[0] for it in found.left} == {
        *("credentials", "plugins_enabled", "integrations, entry 1, rate_limits"),
    }
    assert LITERAL not in found.text


def test_listed_keys_keep_their_limits(tmp_path: Path) -> None:
    found = imported(
        {
            "object": "list",
            "data": [
                {
                    "object": "api-key",
                    "name": "Search",
                    "key": "Xk***",
                    "status": "exhausted",
                    "rate_limits": [
                        {"type": "requests", "unit": "rpm", "value": 9},
                        {"type": "tokens", "unit": "rpm", "value": 900},
                        {"type": "requests", "unit": "rph", "value": 5},
                    ],
                    "usage_limits": {"credit_limit": 10, "periodic_reset": "monthly"},
                    "expires_at": "2031-01-31T00:00:00Z",
                },
                {
                    "object": "api-key",
                    "name": "Batch",
                    "usage_limits": [
                        {"type": "tokens", "credit_limit": 500.0, "periodic_reset": "weekly"}
                    ],
                },
            ],
        },
        tmp_path,
    )
    search, batch = found.settings.keys["search"], found.settings.keys["batch"]
    assert (search.rpm, search.tpm, search.enabled) == (9, 900, False)
    assert search.budget == Budget(usd=10.0, period=Period.MONTH)
    assert search.expires_at == 1_927_584_000
    assert batch.budget == Budget(tokens=500, period=Period.WEEK)
    assert [it.partition(": ")[0] for it in found.left] == ["data, entry 1, rate_limits, entry 3"]


def test_answers_of_the_api_are_unwrapped_and_several_configs_are_one_file(tmp_path: Path) -> None:
    wrapped = {"success": True, "data": {"config": targets("single", {"provider": "openai"})}}
    assert [*imported(wrapped, tmp_path).settings.upstreams] == ["api-openai"]
    both = imported([{"provider": "openai"}, {"provider": "groq"}], tmp_path)
    assert [*both.settings.upstreams] == ["api-openai", "groq"]


@pytest.mark.parametrize("root", [None, [], "text", 3, {}, {"targets": 3}, {"targets": [1, None]}])
def test_a_file_of_another_kind_carries_nothing(root: object) -> None:
    assert import_portkey(root).is_empty
