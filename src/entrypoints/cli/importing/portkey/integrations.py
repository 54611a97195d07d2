"""Carries over the integrations in the file of Portkey's gateway."""

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.addresses import address, placeholder
from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.portkey.names import field, provider_of
from modegate.entrypoints.cli.importing.providers import Provider
from modegate.entrypoints.cli.importing.upstreams import Deployment, Upstreams
from modegate.entrypoints.cli.importing.variables import Variables

OTHER_FORM = "the provider is not known, or its API is not in OpenAI's form, which modegate relays"
LIMITS = "limits of a provider: modegate limits keys of clients, and the gateway as a whole"


def carry_integrations(
    rows: Node, carried: Carried, variables: Variables, upstreams: Upstreams
) -> None:
    """Adds an upstream for each integration, with the models that it lists as active."""
    for row in rows.rows():
        provider = provider_of(row.get("provider").text())
        if not isinstance(provider, Provider):
            carried.leave(row.get("provider"), OTHER_FORM)
            continue
        given = row.get("credentials")
        host = field(given, "custom_host")
        if provider.base_url is None and not host.has_effect:
            what = f"the address of {provider.name}"
            url: str | None = placeholder(provider.name, what, provider, carried)
        else:
            url = address(host, provider, carried)
        if url is None:
            continue
        suggested = provider.variable.replace("_API_KEY", "_KEY")
        key = field(given, "api_key")
        variable = variables.of(key, suggested) if key.has_effect else provider.variable
        name = row.get("slug").text() or provider.name
        carried.leave_if_used(field(row, "rate_limits"), LIMITS)
        carried.leave_if_used(field(row, "usage_limits"), LIMITS)
        deployment = Deployment(row, name, url, variable)
        if not _models(row, deployment, upstreams):
            upstreams.upstream([deployment], Strategy.FILL_FIRST)


def _models(row: Node, deployment: Deployment, upstreams: Upstreams) -> bool:
    names = [
        (name, it)
        for it in row.get("models").rows()
        if (name := it.get("slug").text()) and it.get("status").text() in (None, "active")
    ]
    for name, node in names:
        upstreams.serve(name, node, [deployment], Strategy.FILL_FIRST)
    return bool(names)
