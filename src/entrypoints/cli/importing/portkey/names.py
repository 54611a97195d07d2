"""Portkey's fields, which are written in snake case and in camel case."""

import re

from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.providers import FOREIGN, PROVIDERS, Provider

CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")
SLUG_MARK = "@"  # before the name that an organisation gives to a provider


def snake(name: str) -> str:
    """Returns a name in snake case."""
    return CAPITAL.sub(r"_\1", name).lower()


def field(node: Node, name: str) -> Node:
    """Returns the value of a field in either case."""
    first, *rest = name.split("_")
    return node.get(name, first + "".join(it.title() for it in rest))


def provider_of(*names: str | None) -> Provider | str | None:
    """Returns the provider of the first name that is one or has one in it; foreign ones by name.

    Names of virtual keys and of integrations often have the provider's name in them.
    """
    for name in filter(None, names):
        plain = name.removeprefix(SLUG_MARK).lower().replace("_", "-")
        for known in (name.lower(), plain):
            if known in PROVIDERS:
                return PROVIDERS[known]
            if known in FOREIGN:
                return known
        found = [it for it in sorted(PROVIDERS, key=len, reverse=True) if _has(plain, it)]
        if found:
            return PROVIDERS[found[0]]
        if foreign := [it for it in FOREIGN if _has(plain, it)]:
            return foreign[0]
    return None


def _has(slug: str, provider: str) -> bool:
    words = provider.replace("_", "-")
    return f"-{words}-" in f"-{slug}-"
