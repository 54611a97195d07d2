"""Converts Portkey's configs, the gateway's own file, and lists of Portkey's API keys."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.portkey.integrations import carry_integrations
from modegate.entrypoints.cli.importing.portkey.keys import carry_keys
from modegate.entrypoints.cli.importing.portkey.targets import PortkeyTargets
from modegate.entrypoints.cli.importing.upstreams import Upstreams
from modegate.entrypoints.cli.importing.variables import Variables

API_KEY = "api-key"
OF_THE_SERVER = "a setting of Portkey's server; modegate has no such setting"
WHY: Mapping[str, str] = MappingProxyType(
    {
        "cache": "modegate caches no answers; providers cache prompts by themselves",
        "credentials": "credentials of Portkey's plugins, which modegate does not have",
        "plugins_enabled": "modegate has no plugins and no guardrails",
    }
)


def import_portkey(root: object) -> Carried:
    """Returns what a parsed file carries: one config, several, or an answer of Portkey's API."""
    carried, file = Carried(), Node(root)
    variables, upstreams = Variables(carried), Upstreams(carried)
    if isinstance(file.get("integrations").value, list):
        carry_integrations(file.get("integrations"), carried, variables, upstreams)
        for name, node in file.items():
            if name != "integrations":
                carried.leave_if_used(node, WHY.get(name, OF_THE_SERVER))
    targets = PortkeyTargets(carried, variables, upstreams)
    for node in _documents(file):
        if node.get("object").value == API_KEY:
            carry_keys(node, carried, variables)
        elif "integrations" not in dict(node.items()):
            targets.carry(node)
    targets.finish()
    return carried


def _documents(file: Node) -> Iterator[Node]:
    """Yields configs and keys, without what Portkey's API has around them."""
    inner = file.get("data", "config")
    if isinstance(file.value, list):
        for row in file.rows():
            yield from _documents(row)
    elif isinstance(inner.value, dict | list) and not isinstance(file.get("targets").value, list):
        yield from _documents(inner)
    else:
        yield file
