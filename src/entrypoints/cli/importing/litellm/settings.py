"""Carries over LiteLLM's `litellm_settings`, `router_settings` and `general_settings`."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.periods import UNKNOWN, period_of

SECTIONS = ("litellm_settings", "router_settings", "general_settings")
READ = frozenset(
    {
        *("budget_duration", "master_key", "max_budget", "model_alias_map", "model_group_alias"),
        *("num_retries", "request_timeout", "timeout"),
    }
)
NO_SUCH = "modegate has no such setting"
FALLBACK = (
    "modegate fails over between the credentials of one upstream, not between models or providers"
)
CACHE = "modegate caches no answers; providers cache prompts by themselves"
CALLBACK = "modegate has no callbacks: it has a log, metrics and a usage ledger"
STORAGE = "modegate keeps its state in MODEGATE_STATE_DIR"
DEFAULTS = "modegate has no defaults for new keys: name the rules in POST /admin/keys"
WHY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("fallbacks", "default_fallbacks", "context_window_fallbacks"),
                "content_policy_fallbacks",
            ),
            FALLBACK,
        ),
        **dict.fromkeys(("cache", "cache_params", "enable_caching_on_provider"), CACHE),
        **dict.fromkeys(
            ("callbacks", "success_callback", "failure_callback", "alerting", "service_callback"),
            CALLBACK,
        ),
        **dict.fromkeys(("database_url", "redis_host", "redis_port", "redis_password"), STORAGE),
        **dict.fromkeys(
            ("default_key_generate_params", "upperbound_key_generate_params"), DEFAULTS
        ),
        **dict.fromkeys(("host", "port"), "set HOST and PORT where modegate runs"),
        "allowed_fails": "modegate decides by each error when a credential cools down",
        "cooldown_time": "see COOLDOWN_AUTH_MS, COOLDOWN_SERVER_MS and COOLDOWN_MAX_MS",
        "default_team_settings": "modegate has keys, and no teams",
        "drop_params": "modegate sends parameters as they come; drop_params of an upstream names "
        "those to remove",
        "routing_strategy": "the strategies are fill-first, round-robin, weighted and sticky",
    }
)
SHUFFLE = "simple-shuffle"  # LiteLLM's default, which round-robin and weighted are like
MAX_RETRIES = 10
MAX_TIMEOUT_S = 7 * 86_400


def carry_settings(file: Node, carried: Carried) -> None:
    """Carries over what modegate has a setting for, and notes the rest."""
    settings, router = file.get("litellm_settings"), file.get("router_settings")
    _timeout(_first(settings.get("request_timeout"), router.get("timeout")), carried)
    _retries(_first(settings.get("num_retries"), router.get("num_retries")), carried)
    _budget(settings, carried)
    for section in SECTIONS:
        for name, node in file.get(section).items():
            if name not in READ and node.value != SHUFFLE:
                carried.leave_if_used(node, WHY.get(name, NO_SUCH))


def _first(*nodes: Node) -> Node:
    return next((it for it in nodes if it.has_effect), nodes[0])


def _timeout(seconds: Node, carried: Carried) -> None:
    number = seconds.number()
    if number is not None and 0 < number <= MAX_TIMEOUT_S:
        carried.settings["request_timeout_ms"] = max(1, round(number * 1000))
    else:
        carried.leave_if_used(seconds, "is no number of seconds up to a week")


def _retries(count: Node, carried: Carried) -> None:
    number = count.number()
    if number is not None and 0 <= number <= MAX_RETRIES:
        carried.settings["upstream_max_retries"] = int(number)
    else:
        carried.leave_if_used(count, f"modegate retries at most {MAX_RETRIES} times")


def _budget(settings: Node, carried: Carried) -> None:
    most, duration = settings.get("max_budget"), settings.get("budget_duration")
    usd, period = most.number(), period_of(duration.text())
    if usd is None or usd <= 0:
        carried.leave_if_used(most, "is no number of US dollars")
    elif period is None:
        carried.leave(duration if duration.has_effect else most, UNKNOWN)
    else:
        carried.settings["budget"] = {"usd": usd, "period": str(period)}
