"""Gathers deployments of models into upstreams with credentials."""

from collections.abc import Sequence
from dataclasses import field

from modegate.domain.credentials.selection import Strategy
from modegate.entrypoints.cli.importing.carried import Carried, Credential, Headers, Upstream
from modegate.entrypoints.cli.importing.names import PATTERN_MARK, is_model, slug
from modegate.entrypoints.cli.importing.node import Node
from modegate.entrypoints.config.upstreams.types import MAX_WEIGHT
from modegate.lazy_dataclass import dataclass

ONE_UPSTREAM = (
    "a model has one upstream in modegate, which fails over between its credentials only; the "
    "first deployment was taken"
)
TAKEN = "the name leads to another upstream already"
NO_NAME = "is no name of a model for modegate: it has a * at its end only, and no other marks"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a provider; `target` is its name there, None for every name."""

    node: Node
    provider: str
    base_url: str
    key_env: str
    target: str | None = None
    weight: int = 1
    headers: Headers = ()

    def is_beside(self, other: "Deployment") -> bool:
        """Whether both are the same model at the same place, so that only the keys differ."""
        mine = (self.base_url, self.headers, self.target)
        return mine == (other.base_url, other.headers, other.target)


@dataclass(slots=True)
class Upstreams:
    """The upstreams so far. Models whose credentials are the same share one."""

    carried: Carried
    names: dict[str, str] = field(default_factory=dict)  # the upstream of each model and prefix

    def serve(self, name: str, node: Node, found: Sequence[Deployment], how: Strategy) -> None:
        """Adds a model, or a pattern, that clients ask for; `found` is not empty."""
        first, *_ = found
        target = first.target or name
        prefix = _prefix(name, target)
        if not is_model(name) or not is_model(target) or _is_unlike(name, target, prefix):
            self.carried.leave(node, NO_NAME)
            return
        if (f"{prefix}/" if prefix else name) in self.names:
            self.carried.leave(node, TAKEN)
            return
        upstream = self.upstream(found, how, prefix)
        self.names[f"{prefix}/" if prefix else name] = upstream.name
        if prefix is None and name == target:
            upstream.models.append(name)
        elif prefix is None:
            upstream.aliases[name] = target

    def upstream(
        self, found: Sequence[Deployment], how: Strategy, prefix: str | None = None
    ) -> Upstream:
        """Returns the upstream of deployments; those elsewhere than the first are left."""
        first, *others = found
        for it in others:
            if not it.is_beside(first):
                self.carried.leave(it.node, ONE_UPSTREAM)
        credentials = _credentials([it for it in found if it.is_beside(first)])
        if how is Strategy.WEIGHTED and len({it.weight for it in credentials}) == 1:
            how = Strategy.ROUND_ROBIN
        if how is not Strategy.WEIGHTED or len(credentials) == 1:
            how = how if len(credentials) > 1 else Strategy.FILL_FIRST
            credentials = tuple(Credential(it.key_env) for it in credentials)
        wanted = (first.base_url, first.headers, credentials, how)
        for known in self.carried.upstreams:
            same = (known.base_url, known.headers, known.credentials, known.strategy) == wanted
            if same and (prefix is None or known.prefix in (None, prefix)):
                known.prefix = known.prefix or prefix
                return known
        name = slug(first.provider, [it.name for it in self.carried.upstreams], "api")
        made = Upstream(name, first.base_url, first.headers, credentials, how, prefix)
        self.carried.upstreams.append(made)
        return made

    def alias(self, name: str, target: str, node: Node) -> None:
        """Adds another name for a model that is served."""
        found = next(
            (it for it in self.carried.upstreams if it.name == self.names.get(target)), None
        )
        if found is None:
            self.carried.leave(node, "the model that it stands for was not carried over")
        elif not is_model(name) or PATTERN_MARK in name + target:
            self.carried.leave(node, NO_NAME)
        elif name in self.names:
            self.carried.leave(node, TAKEN)
        else:
            self.names[name] = found.name
            found.aliases[name] = found.aliases.get(target, target)


def _credentials(found: Sequence[Deployment]) -> tuple[Credential, ...]:
    weights: dict[str, int] = {}
    for it in found:
        weights[it.key_env] = weights.get(it.key_env, 0) + it.weight
    excess = max(1.0, max(weights.values(), default=1) / MAX_WEIGHT)
    return tuple(Credential(name, max(1, int(it / excess))) for name, it in weights.items())


def _prefix(name: str, target: str) -> str | None:
    """Returns the prefix that clients use, where `x/*` leads to every name of an upstream."""
    before, mark, rest = name.partition("/")
    is_prefix = bool(mark) and rest == PATTERN_MARK == target and PATTERN_MARK not in before
    return before if is_prefix and " " not in before else None


def _is_unlike(name: str, target: str, prefix: str | None) -> bool:
    """Whether a pattern leads to other names, which modegate cannot express."""
    return prefix is None and PATTERN_MARK in name + target and name != target
