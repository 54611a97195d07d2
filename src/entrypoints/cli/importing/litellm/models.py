"""Carries over LiteLLM's `model_list`."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.addresses import address, label
from modegate.entrypoints.cli.importing.carried import Carried, Headers
from modegate.entrypoints.cli.importing.names import PATTERN_MARK
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.providers import (
    FOREIGN,
    PROVIDERS,
    Provider,
    guess,
)
from modegate.entrypoints.cli.importing.upstreams import Deployment, Upstreams
from modegate.entrypoints.cli.importing.variables import Variables, referenced
from modegate.entrypoints.config.upstreams.types import MAX_WEIGHT
from modegate.lazy_dataclass import dataclass

READ = frozenset({"api_base", "api_key", "base_url", "custom_llm_provider", "model", "weight"})
WEIGHTS = ("weight", "rpm", "tpm")  # in the order of LiteLLM's simple-shuffle
OF_A_DEPLOYMENT = (
    "a limit of one deployment: modegate limits keys of clients, and lets a credential cool down "
    "after the upstream's 429"
)
TIMEOUT = (
    "a timeout of one deployment: REQUEST_TIMEOUT_MS and UPSTREAM_FIRST_BYTE_TIMEOUT_MS are of all"
)
RETRIES = "retries of one deployment: UPSTREAM_MAX_RETRIES is of all"
PRICE = "the price of one deployment: write it as [prices.MODEL], in USD per million tokens"
PARAMETER = "modegate adds no parameters to requests, and none of a provider's own to credentials"
WHY: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("rpm", "tpm", "max_parallel_requests"), OF_A_DEPLOYMENT),
        **dict.fromkeys(("timeout", "stream_timeout"), TIMEOUT),
        **dict.fromkeys(("max_retries", "num_retries"), RETRIES),
        **dict.fromkeys(("input_cost_per_token", "output_cost_per_token"), PRICE),
        "api_version": "the address is that of Azure's v1 API, which has no versions",
        "extra_headers": "headers may be secret: write them as headers of the upstream yourself",
        "order": "credentials are used in the order of the file",
    }
)
UNKNOWN = "the provider is not known, and there is no api_base"
OTHER_FORM = "the provider's API is not in OpenAI's form, which modegate relays"


@dataclass(slots=True)
class LiteLlmModels:
    """Converts deployments; those with the same `model_name` are one model."""

    carried: Carried
    variables: Variables
    upstreams: Upstreams = field(init=False)
    _weighted: bool = False

    def __post_init__(self) -> None:
        self.upstreams = Upstreams(self.carried)

    def carry(self, models: Node) -> None:
        """Carries over the entries of `model_list`."""
        groups: dict[str, list[Node]] = {}
        for row in models.rows():
            if name := row.get("model_name").text():
                groups.setdefault(name, []).append(row)
            else:
                self.carried.leave(row, "has no model_name")
        for name, rows in groups.items():
            weighs = _weighs(rows)
            found = [it for row in rows if (it := self._deployment(row, weighs))]
            if found:
                how = Strategy.WEIGHTED if weighs else Strategy.ROUND_ROBIN
                self.upstreams.serve(name, rows[0], found, how)

    def alias(self, aliases: Node) -> None:
        """Carries over other names for models."""
        for name, node in aliases.items():
            target = node.text() or node.get("model").text()
            self.upstreams.alias(name, target or "", node)

    def choose_default(self) -> None:
        """Lets unknown names be refused, as LiteLLM does, where an upstream lists its models."""
        found = sorted(self.carried.upstreams, key=lambda it: PATTERN_MARK not in it.models)
        listing = next((it for it in found if it.models), found[0] if found else None)
        if listing is not None:
            self.carried.settings["default_upstream"] = listing.name

    def _deployment(self, row: Node, weighs: str | None) -> Deployment | None:
        given = row.get("litellm_params")
        provider, target = self._provider(given)
        if provider is None:
            return None
        if not target:
            self.carried.leave(given.get("model"), "names no model")
            return None
        url = address(given.get("api_base", "base_url"), provider, self.carried)
        if url is None:
            return None
        self._leave_rest(row, given, weighs)
        return Deployment(
            node=row,
            provider=label(provider, url),
            base_url=url,
            key_env=self._key(given.get("api_key"), provider),
            target=target,
            weight=_weight(row, weighs) if weighs else 1,
            headers=self._headers(given.get("organization")),
        )

    def _provider(self, given: Node) -> tuple[Provider | None, str | None]:
        model = given.get("model")
        name, named = model.text() or "", given.get("custom_llm_provider").text()
        first, mark, rest = name.partition("/")
        own = named or (first if mark and (first in PROVIDERS or first in FOREIGN) else None)
        target = rest if mark and first == own else name
        if own is None and not given.get("api_base", "base_url").has_effect:
            own = guess(name)
        elif own is None:
            own = "openai-like"
        if own is not None and own in PROVIDERS:
            return PROVIDERS[own], target
        self.carried.leave(model, OTHER_FORM if own else UNKNOWN)
        return None, None

    def _key(self, key: Node, provider: Provider) -> str:
        if key.has_effect:
            suggested = provider.variable.replace("_API_KEY", "_KEY")
            return self.variables.of(key, suggested)
        if not provider.needs_key:
            self.carried.ask(f"set {provider.variable}, if the server needs no key to any text")
        return provider.variable

    def _headers(self, organization: Node) -> Headers:
        text = organization.text()
        if text is None:
            return ()
        if referenced(text) or not (text.isascii() and text.isprintable()):
            self.carried.leave(organization, "write it as headers of the upstream yourself")
            return ()
        return (("OpenAI-Organization", text),)

    def _leave_rest(self, row: Node, given: Node, weighs: str | None) -> None:
        for name, node in given.items():
            if name not in READ and name not in (weighs, "organization"):
                self.carried.leave_if_used(node, WHY.get(name, PARAMETER))
        for name, node in row.items():
            if name not in ("model_name", "litellm_params", "model_info", weighs):
                self.carried.leave_if_used(node, WHY.get(name, PARAMETER))


def _weighs(rows: Sequence[Node]) -> str | None:
    """Returns the field by which LiteLLM weighs the deployments of a model; None for equal ones."""
    for name in WEIGHTS:
        if len(rows) > 1 and any(_given(row, name).has_effect for row in rows):
            return name if len({_weight(row, name) for row in rows}) > 1 else None
    return None


def _given(row: Node, name: str) -> Node:
    inner = row.get("litellm_params").get(name)
    return inner if inner.has_effect else row.get(name)


def _weight(row: Node, name: str) -> int:
    number = _given(row, name).number() or 1
    return int(min(max(number, 1), MAX_WEIGHT))
