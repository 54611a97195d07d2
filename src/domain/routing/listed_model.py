"""The models that clients may request, under the names that they send."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from modegate.domain.routing.capability import Capability
from modegate.domain.routing.mode import MODEL_PREFIX
from modegate.domain.routing.model_dates import released_at
from modegate.domain.routing.model_map import BUILT_IN_MODELS, CLAUDES_OWN, ModelMap
from modegate.domain.routing.upstream import Upstream
from modegate.domain.routing.upstream_table import PREFIX_MARK, SEPARATOR, UpstreamTable
from modegate.lazy_dataclass import dataclass

# The CLI uses a model of Anthropic for every name in its map.
ANTHROPIC = "anthropic"
OF_CLAUDE = "claude-"
# The second name of a time is Anthropic's.
ID, CREATED, CREATED_AT = "id", "created", "created_at"

ModelObject = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model; `created` is in Unix seconds, 0 if unknown. `details` is the upstream's object."""

    id: str
    owner: str
    created: int = 0
    capabilities: tuple[Capability, ...] = (Capability.TEXT,)
    details: ModelObject = field(default_factory=dict)


def claude_model(models: ModelMap, name: str) -> ListedModel:
    """Returns the model for a name of the map, with the release date of its CLI model."""
    return ListedModel(id=name, owner=ANTHROPIC, created=released_at(models.resolve(name)))


def prefixed_names(models: ModelMap) -> Iterator[str]:
    """Yields the names that lead to Claude Code without a header.

    A name of another vendor in the built-in map is for clients that know no other, and needs no
    second one.
    """
    for name, cli_model in models.rows.items():
        is_own = CLAUDES_OWN.fullmatch(name) or BUILT_IN_MODELS.get(name) != cli_model
        if is_own and not name.endswith(PREFIX_MARK):
            yield f"{MODEL_PREFIX}{name}"


def upstream_models(
    table: UpstreamTable, upstream: Upstream, listed: Sequence[ModelObject]
) -> Iterator[ListedModel]:
    """Yields an upstream's models by the names under which the table finds them there.

    `listed` is the upstream's own list. Names of the configuration are in it or not.
    """
    objects = {str(it[ID]): it for it in listed}
    names = [_name_of(table, upstream, model) for model in objects]
    fixed = (it for it in upstream.models if not it.endswith(PREFIX_MARK))
    for name in dict.fromkeys((*fixed, *upstream.model_aliases, *filter(None, names))):
        found = table.find(name)
        if found.upstream is upstream:
            yield _described(name, upstream, objects.get(found.model or "", {}))


def distinct(models: Iterable[ListedModel]) -> list[ListedModel]:
    """Returns the models without repeated names; the first one counts."""
    found: dict[str, ListedModel] = {}
    for model in models:
        found.setdefault(model.id, model)
    return list(found.values())


def _name_of(table: UpstreamTable, upstream: Upstream, model: str) -> str | None:
    """Returns the name by which a client reaches an upstream's model; None if there is none."""
    names = [model]
    if upstream.prefix is not None:
        names.append(f"{upstream.prefix}{SEPARATOR}{model}")
    return next((it for it in names if table.leads_to(it, upstream, model)), None)


def _described(name: str, upstream: Upstream, details: ModelObject) -> ListedModel:
    return ListedModel(
        id=name,
        owner=ANTHROPIC if name.startswith(OF_CLAUDE) else upstream.name,
        created=_created(details) or released_at(name),
        capabilities=tuple(it for it in Capability if it in upstream.capabilities),
        details=details,
    )


def _created(details: ModelObject) -> int:
    """Returns the time in Unix seconds that an upstream names; 0 without one."""
    created, created_at = details.get(CREATED), details.get(CREATED_AT)
    if isinstance(created, int) and not isinstance(created, bool) and created > 0:
        return created
    try:
        told = datetime.fromisoformat(created_at) if isinstance(created_at, str) else None
    except ValueError:
        return 0
    return max(0, int(told.timestamp())) if told is not None and told.tzinfo is not None else 0
