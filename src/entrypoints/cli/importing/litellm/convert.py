"""Converts a parsed configuration of the LiteLLM proxy, or its list of keys."""

from types import MappingProxyType

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.litellm.keys import carry_keys, carry_master_key
from modegate.entrypoints.cli.importing.litellm.models import LiteLlmModels
from modegate.entrypoints.cli.importing.litellm.settings import carry_settings
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.variables import Variables, referenced

NO_SUCH = "modegate has no such setting"
WHY = MappingProxyType(
    {
        "credential_list": "name the key in each litellm_params, then import again",
        "environment_variables": "set these variables where modegate runs",
        "files_settings": "requests for files go to default_upstream",
        "finetune_settings": "requests for fine-tuning go to default_upstream",
        "guardrails": "modegate has no guardrails; it redacts credentials by itself",
        "include": "other files are not read: import each of them",
        "mcp_servers": "modegate serves no MCP tools",
    }
)
READ = frozenset({"model_list", "litellm_settings", "router_settings", "general_settings", "keys"})


def import_litellm(root: object) -> Carried:
    """Returns what a parsed file carries."""
    carried, file = Carried(), Node(root)
    variables = Variables(carried, set(_referenced(root)))
    models = LiteLlmModels(carried, variables)
    models.carry(file.get("model_list"))
    models.alias(file.get("router_settings").get("model_group_alias"))
    models.alias(file.get("litellm_settings").get("model_alias_map"))
    models.choose_default()
    carry_settings(file, carried)
    carry_master_key(file.get("general_settings").get("master_key"), carried, variables)
    carry_keys(file.get("keys"), carried, variables)
    for name, node in file.items():
        if name not in READ:
            carried.leave_if_used(node, WHY.get(name, NO_SUCH))
    return carried


def _referenced(root: object) -> list[str]:
    """Returns the variables that the models' keys name, so that no other secret gets them."""
    keys = (row.get("litellm_params").get("api_key") for row in Node(root).get("model_list").rows())
    return [name for it in keys if (name := referenced(it.text() or ""))]
