"""Addresses of upstreams, from what other gateways call them."""

from urllib.parse import urlsplit

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.names import slug
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.providers import ANTHROPIC, AZURE, OPENAI, Provider
from modegate.entrypoints.cli.importing.variables import referenced
from modegate.entrypoints.config.types import base_url

COMPATIBLE = (
    'clients that use Anthropic\'s own form need an upstream of kind "anthropic": add one, as '
    "Claude's models were imported in OpenAI's form"
)
LIKE_OPENAI = frozenset({OPENAI, "openai-like"})
INVALID = "is no address for modegate: it must be like https://host/v1, without a user or a query"


def address(given: Node, provider: Provider, carried: Carried) -> str | None:
    """Returns the address of a deployment; None if there is none, which is noted."""
    if provider.name == ANTHROPIC:
        carried.ask(COMPATIBLE)
    text = given.text()
    if text is None:
        if provider.base_url is None:
            carried.leave(given, f"is missing, and {provider.name} has no address of its own")
        return provider.base_url
    if variable := referenced(text):
        return placeholder(variable, f"the value of {variable}", provider, carried)
    if "://" not in text:
        text = f"https://{text}"
    try:
        return base_url(_completed(text, provider))
    except ValueError:
        carried.leave(given, INVALID)
        return None


def placeholder(name: str, what: str, provider: Provider, carried: Carried) -> str:
    """Returns an address that leads nowhere, and asks the operator to replace it."""
    url = f"https://{slug(name.replace('_', '-').replace('.', '-'), (), 'host')}.invalid"
    carried.ask(f"replace {url} by {what}, in base_url")
    return url + (provider.path or "/v1")


def label(provider: Provider, url: str) -> str:
    """Returns a name for an upstream: that of its host, if OpenAI's form is all that is known."""
    host = urlsplit(url).hostname or ""
    is_known = provider.name not in LIKE_OPENAI or url == provider.base_url
    return provider.name if is_known else host.replace(".", "-")


def _completed(text: str, provider: Provider) -> str:
    if provider.name == AZURE:
        parts = urlsplit(text)
        if not parts.path.rstrip("/").endswith(provider.path):
            # Deployments and versions are of Azure's older API; its v1 API has one address.
            text = f"{parts.scheme}://{parts.netloc}{provider.path}"
    text = text.rstrip("/")
    return text if text.endswith(provider.path) else text + provider.path
