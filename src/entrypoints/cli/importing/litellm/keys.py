"""Carries over LiteLLM's keys: the master key, and those that `GET /key/list` lists."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.key_table import KeyTable
from modegate.entrypoints.cli.importing.names import is_model
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.periods import UNKNOWN, period_of
from modegate.entrypoints.cli.importing.upstreams import NO_NAME
from modegate.entrypoints.cli.importing.variables import Variables

MASTER = "litellm-master"
MASTER_VARIABLE = "LITELLM_MASTER_KEY"
# Names that stand for sets of models which only LiteLLM knows.
SETS = frozenset({"all-team-models", "all-proxy-models", "no-default-models"})
FIELDS: Mapping[str, str] = MappingProxyType(
    {"rpm_limit": "rpm", "tpm_limit": "tpm", "max_parallel_requests": "concurrency"}
)
WITH_RULES = frozenset(
    {
        *("aliases", "allowed_routes", "config", "model_max_budget", "model_rpm_limit"),
        *("model_tpm_limit", "permissions", "soft_budget", "team_id"),
    }
)
NO_SUCH = "keys of modegate have no such rule"


def carry_master_key(key: Node, carried: Carried, variables: Variables) -> None:
    """Carries over the master key as one that clients may use."""
    if key.has_effect:
        carried.keys[MASTER] = {"key_env": variables.of(key, MASTER_VARIABLE)}
        carried.ask(
            f"set ADMIN_KEY to a new key for the admin API: [keys.{MASTER}] has no such right"
        )


def carry_keys(keys: Node, carried: Carried, variables: Variables) -> None:
    """Carries over keys with their rules; their secrets are not in LiteLLM's list."""
    for row in keys.rows():
        if not isinstance(row.value, dict):
            carried.leave(row, "is no key: ask GET /key/list with return_full_object=true")
            continue
        name = row.get("key_alias").text() or "key"
        table = KeyTable.of(name, row, carried, variables)
        _models(row.get("models"), table)
        for theirs, ours in FIELDS.items():
            table.carry(ours, row.get(theirs))
        table.expires(row.get("expires"))
        if row.get("blocked").value is True:
            table.fields["enabled"] = False
        _budget(row, table)
        for theirs, node in row.items():
            if theirs in WITH_RULES:
                carried.leave_if_used(node, NO_SUCH)


def _models(models: Node, table: KeyTable) -> None:
    names = [it.text() or "" for it in models.rows()]
    if SETS.intersection(names):
        table.carried.leave(models, "names a set of models that only LiteLLM knows")
    elif not all(map(is_model, names)):
        table.carried.leave(models, NO_NAME)
    elif names and "*" not in names:
        table.carry("models", models, names)


def _budget(row: Node, table: KeyTable) -> None:
    most, duration = row.get("max_budget"), row.get("budget_duration")
    if not most.has_effect:
        return
    period = period_of(duration.text())
    if period is None:
        table.carried.leave(duration if duration.has_effect else most, UNKNOWN)
    else:
        table.carry("budget", most, {"usd": most.number(), "period": str(period)})
