"""Carries over the targets of Portkey's configs."""

from collections.abc import Mapping, Sequence
from dataclasses import field as attribute

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.addresses import address, label, placeholder
from modegate.entrypoints.cli.importing.carried import Carried, Headers, Upstream
from modegate.entrypoints.cli.importing.names import is_model
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.cli.importing.portkey.names import SLUG_MARK, field, provider_of
from modegate.entrypoints.cli.importing.portkey.rest import leave_rest
from modegate.entrypoints.cli.importing.portkey.weights import strategy_of, weights_of
from modegate.entrypoints.cli.importing.providers import AZURE, Provider
from modegate.entrypoints.cli.importing.upstreams import TAKEN, Deployment, Upstreams
from modegate.entrypoints.cli.importing.variables import Variables
from modegate.lazy_dataclass import dataclass

OTHER_FORM = "the provider's API is not in OpenAI's form, which modegate relays"
UNKNOWN = "the provider is not known: neither `provider` nor the name of the key tells it"
ELSEWHERE = (
    "modegate fails over and balances between the credentials of one upstream; clients ask for "
    "this one with the prefix or the models of its table"
)
ASK_FOR_MODEL = "clients have to ask for this model; modegate replaces no other name by it"
KEPT = "the key that Portkey keeps for"
ZERO = "a target of weight 0 gets no requests"


@dataclass(slots=True)
class PortkeyTargets:
    """Converts configs; the first target of the file becomes the default upstream."""

    carried: Carried
    variables: Variables
    upstreams: Upstreams
    _found: list[tuple[Upstream, Deployment]] = attribute(default_factory=list)

    def carry(self, config: Node) -> None:
        """Carries over a config with all its targets."""
        self._config(config, None, {})

    def finish(self) -> None:
        """Names the default upstream, and makes the others reachable by a prefix."""
        if not self.carried.upstreams:
            return
        default = self.carried.upstreams[0]
        self.carried.settings["default_upstream"] = default.name
        for upstream, deployment in self._found:
            if upstream is not default:
                self.carried.leave(deployment.node, ELSEWHERE)
        for upstream in self.carried.upstreams[1:]:
            if not (upstream.models or upstream.aliases):
                upstream.prefix = upstream.name

    def _config(self, config: Node, host: Node | None, params: Mapping[str, Node]) -> None:
        host = it if (it := field(config, "custom_host")).has_effect else host
        params = dict(params) | dict(field(config, "override_params").items())
        leave_rest(config, self.carried)
        targets = [*config.get("targets", "options").rows()]
        if not targets:
            if any(field(config, it).has_effect for it in ("provider", "api_key", "virtual_key")):
                self._serve([config], Strategy.FILL_FIRST, host, params)
            return
        mode = config.get("strategy").get("mode").text() or config.get("mode").text()
        weighed = [it for it in targets if self._is_used(it)]
        leaves = [it for it in weighed if not it.get("targets", "options").has_effect]
        self._serve(leaves, strategy_of(mode, leaves), host, params)
        for it in weighed:
            if it not in leaves:
                self._config(it, host, params)

    def _is_used(self, target: Node) -> bool:
        is_used = target.get("weight").number() != 0
        if not is_used:
            self.carried.leave(target, ZERO)
        return is_used

    def _serve(
        self, leaves: Sequence[Node], how: Strategy, host: Node | None, params: Mapping[str, Node]
    ) -> None:
        weights = weights_of(leaves) if how is Strategy.WEIGHTED else [1] * len(leaves)
        found: list[Deployment] = []
        for leaf, weight in zip(leaves, weights, strict=True):
            own = it if (it := field(leaf, "custom_host")).has_effect else host
            given = dict(params) | dict(field(leaf, "override_params").items())
            leave_rest(leaf, self.carried)
            if deployment := self._deployment(leaf, own, given, weight):
                found.append(deployment)
        while found:
            beside = [it for it in found if it.is_beside(found[0])]
            found = [it for it in found if it not in beside]
            self._add(beside, how)

    def _add(self, beside: Sequence[Deployment], how: Strategy) -> None:
        first = beside[0]
        upstream = self.upstreams.upstream(beside, how)
        self._found.append((upstream, first))
        if first.target is None:
            return
        if self.upstreams.names.setdefault(first.target, upstream.name) != upstream.name:
            self.carried.leave(first.node, TAKEN)
        elif first.target not in upstream.models:
            upstream.models.append(first.target)

    def _deployment(
        self, leaf: Node, host: Node | None, params: Mapping[str, Node], weight: int
    ) -> Deployment | None:
        model = params.get("model", field(leaf, "deployment_id"))
        named = leaf.get("provider").text()
        target, owner = _split(model.text())
        key = field(leaf, "virtual_key")
        provider = provider_of(named, owner, key.text())
        if provider is None and host is not None and named:
            provider = provider_of("openai-like")
        if not isinstance(provider, Provider):
            node = leaf.get("provider") if named else leaf
            self.carried.leave(node, UNKNOWN if provider is None else OTHER_FORM)
            return None
        url = self._address(leaf, host, provider)
        if url is None:
            return None
        if target and not is_model(target):
            target = None
        if target:
            self.carried.leave(model, ASK_FOR_MODEL)
        for name, node in params.items():
            if name != "model":
                self.carried.leave_if_used(node, "modegate adds no parameters to requests")
        own_name = next((it for it in (named, owner) if it and it.startswith(SLUG_MARK)), None)
        return Deployment(
            node=leaf,
            provider=own_name or label(provider, url),
            base_url=url,
            key_env=self._key(leaf, model, provider),
            target=target,
            weight=weight,
            headers=self._headers(leaf),
        )

    def _address(self, leaf: Node, host: Node | None, provider: Provider) -> str | None:
        resource = field(leaf, "resource_name").text()
        if host is None and provider.name == AZURE and resource is not None:
            given = Node(f"https://{resource}.openai.azure.com", (*leaf.place, "resource_name"))
            return address(given, provider, self.carried)
        if host is None and provider.base_url is None:
            what = f"the address of {provider.name}, which only Portkey knows"
            return placeholder(provider.name, what, provider, self.carried)
        return address(host or Node(None), provider, self.carried)

    def _key(self, leaf: Node, model: Node, provider: Provider) -> str:
        suggested = provider.variable.replace("_API_KEY", "_KEY")
        if (key := field(leaf, "api_key")).has_effect:
            return self.variables.of(key, suggested)
        if (key := field(leaf, "virtual_key")).has_effect:
            return self.variables.of(key, suggested, KEPT)
        for it in (leaf.get("provider"), model):
            owner = (it.text() or "").partition("/")[0]
            if owner.startswith(SLUG_MARK):
                return self.variables.of(Node(owner, it.place), suggested, KEPT)
        return provider.variable

    def _headers(self, leaf: Node) -> Headers:
        names = {
            "OpenAI-Organization": "openai_organization",
            "OpenAI-Project": "openai_project",
        }
        found = ((header, field(leaf, name).text()) for header, name in names.items())
        return tuple((name, it) for name, it in found if it and it.isascii() and it.isprintable())


def _split(model: str | None) -> tuple[str | None, str | None]:
    """Returns the model and the owner of `@owner/model`."""
    if model is None or not model.startswith(SLUG_MARK):
        return model, None
    owner, _, name = model.partition("/")
    return name or None, owner
