"""What a config of Portkey says beside its targets."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.portkey.names import field, snake

MAX_ATTEMPTS = 10
MAX_TIMEOUT_MS = 7 * 86_400_000
CONDITIONS = "modegate routes by the name of the model"
GUARDRAIL = "modegate has no guardrails; it redacts credentials by itself"
OF_ALL = "only the first one of the file is carried over: modegate has one for all upstreams"
READ = frozenset(
    {
        *("api_key", "custom_host", "deployment_id", "mode", "name", "openai_organization"),
        *("openai_project", "options", "override_params", "provider", "request_timeout"),
        *("resource_name", "retry", "strategy", "targets", "virtual_key", "weight", "object", "id"),
    }
)
WHY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("after_request_hooks", "before_request_hooks", "input_guardrails"),
                *("output_guardrails", "default_input_guardrails", "default_output_guardrails"),
            ),
            GUARDRAIL,
        ),
        "api_version": "the address is that of Azure's v1 API, which has no versions",
        "cache": "modegate caches no answers; providers cache prompts by themselves",
        "cb_config": "modegate decides by each error when a credential cools down",
        "drop_params": "write them as drop_params of the upstream",
        "forward_headers": "write fixed ones as headers of the upstream",
        "prompt_id": "modegate stores no prompts",
        "prompts": "modegate stores no prompts",
    }
)
NO_SUCH = "modegate has no such setting"


def leave_rest(config: Node, carried: Carried) -> None:
    """Carries over the settings of a config or a target, and notes what modegate has none for."""
    for name, node in config.items():
        if snake(name) not in READ:
            carried.leave_if_used(node, WHY.get(snake(name), NO_SUCH))
    strategy = config.get("strategy")
    if strategy.get("conditions").has_effect:
        carried.leave(strategy.get("conditions"), CONDITIONS)
    codes = field(strategy, "on_status_codes")
    carried.leave_if_used(codes, "error_rules of an upstream say which errors fail over")
    _number(carried, field(config, "request_timeout"), "request_timeout_ms", 1, MAX_TIMEOUT_MS)
    retry = config.get("retry")
    _number(carried, retry.get("attempts", "count"), "upstream_max_retries", 0, MAX_ATTEMPTS)
    codes = field(retry, "on_status_codes")
    carried.leave_if_used(codes, "modegate decides by each error whether it retries")


def _number(carried: Carried, node: Node, setting: str, least: int, most: int) -> None:
    number = node.number()
    if number is None:
        return
    value = int(number)
    if not least <= value <= most:
        carried.leave(node, f"must be {least} to {most} in modegate")
    elif carried.settings.setdefault(setting, value) != value:
        carried.leave(node, OF_ALL)
