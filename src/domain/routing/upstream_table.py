"""The table from a model's name to the upstream that serves it."""

from collections.abc import Sequence
from dataclasses import field

from modegate.domain.errors import ModelNotFoundError
from modegate.domain.errors.catalogue import routing as errors
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass

PREFIX_MARK = "*"
SEPARATOR = "/"


@dataclass(slots=True)  # not frozen: created for each request
class Destination:
    """An upstream and the name that it knows the model by; None if the request names none."""

    upstream: Upstream
    model: str | None


@dataclass(frozen=True, slots=True)
class UpstreamTable:
    """Finds upstreams by model: an exact name or alias, the longest pattern, a prefix, the default.

    A default upstream without `models` serves every other model.
    """

    upstreams: Sequence[Upstream]
    default: Upstream
    _exact: dict[str, Destination] = field(init=False, repr=False, compare=False)
    _patterns: list[tuple[str, Upstream]] = field(init=False, repr=False, compare=False)
    _prefixes: dict[str, Upstream] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact: dict[str, Destination] = {}
        patterns = []
        for upstream in self.upstreams:
            for name in upstream.models:
                if name.endswith(PREFIX_MARK):
                    patterns.append((name.removesuffix(PREFIX_MARK), upstream))
                else:
                    exact[name] = Destination(upstream, name)
            for alias, model in upstream.model_aliases.items():
                exact[alias] = Destination(upstream, model)
        prefixes = {it.prefix: it for it in self.upstreams if it.prefix is not None}
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_patterns", sorted(patterns, key=_longest_first))
        object.__setattr__(self, "_prefixes", prefixes)

    def find(self, model: str | None) -> Destination:
        """Returns where a request for a model goes.

        Raises:
            ModelNotFoundError: no upstream serves the model; the message lists those served.
        """
        if model is None:
            return Destination(self.default, None)
        if (found := self._exact.get(model)) is not None:
            return found
        for start, upstream in self._patterns:
            if model.startswith(start):
                return Destination(upstream, model)
        if self._prefixes and (found := self._by_prefix(model)) is not None:
            return found
        if self.default.models:
            raise errors.unrouted_model(self.names)
        return Destination(self.default, model)

    def leads_to(self, name: str, upstream: Upstream, model: str) -> bool:
        """Returns whether a request for `name` goes to the model of the upstream."""
        try:
            found = self.find(name)
        except ModelNotFoundError:
            return False
        return found.upstream is upstream and found.model == model

    @property
    def names(self) -> list[str]:
        """Every model, alias, pattern and prefix, in the order of the configuration."""
        names: list[str] = []
        for upstream in self.upstreams:
            names += (*upstream.models, *upstream.model_aliases)
            if upstream.prefix is not None:
                names.append(f"{upstream.prefix}{SEPARATOR}{PREFIX_MARK}")
        return names

    def _by_prefix(self, model: str) -> Destination | None:
        prefix, separator, rest = model.partition(SEPARATOR)
        upstream = self._prefixes.get(prefix)
        if upstream is None or not separator or not rest:
            return None
        return Destination(upstream, upstream.model_aliases.get(rest, rest))


def _longest_first(row: tuple[str, Upstream]) -> int:
    return -len(row[0])
