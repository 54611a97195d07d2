"""The samples of several processes as those of one; without I/O."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from prometheus_client.core import Metric

# The name of a sample, and its labels.
Key = tuple[str, tuple[tuple[str, str], ...]]
Samples = dict[Key, float]

CUMULATIVE = frozenset({"counter", "histogram"})
CREATED = "_created"


class Family(NamedTuple):
    """The samples of one metric, with its help and its type."""

    name: str
    documentation: str
    type: str
    samples: Samples

    @property
    def is_cumulative(self) -> bool:
        """Whether the samples outlive the process that counted them."""
        return self.type in CUMULATIVE


def _sum(one: float, other: float) -> float:
    return one + other


def _first(one: float, _: float) -> float:
    return one


# How the values of two processes become one; cumulative samples are added. Processes with one state
# folder know the same credentials, so that each value is already that of all.
RULES: Mapping[str, Callable[[float, float], float]] = {
    "modegate_attempts": max,
    "modegate_batch_items": max,
    "modegate_budget_remaining_ratio": min,
    "modegate_claude_window_resets_seconds": max,
    "modegate_claude_window_used_ratio": max,
    "modegate_credential_expires_seconds": _first,
    "modegate_credentials": _first,
    "modegate_ledger_pending_rows": _sum,
    "modegate_claude_parked_turns": _sum,
    "modegate_processes": _sum,
    "modegate_queue": _sum,
    "modegate_slots": _sum,
    "modegate_store_gateways": max,
    "modegate_store_up": min,
}


def families_of(metrics: Iterable[Metric]) -> list[Family]:
    """Returns the families of a registry."""
    return [
        Family(
            it.name,
            it.documentation,
            it.type,
            {(s.name, tuple(s.labels.items())): s.value for s in it.samples},
        )
        for it in metrics
    ]


def cumulative(families: Iterable[Family]) -> list[Family]:
    """Returns the families that outlive their process."""
    return [it for it in families if it.is_cumulative]


def merge(processes: Iterable[Sequence[Family]]) -> list[Family]:
    """Returns the families of all processes; the first one is preferred where one has to be chosen."""
    merged: dict[str, Family] = {}
    for families in processes:
        for family in families:
            known = merged.get(family.name)
            if known is None:
                merged[family.name] = family._replace(samples={**family.samples})
            else:
                _add(known, family.samples)
    return list(merged.values())


def _add(known: Family, samples: Samples) -> None:
    rule = RULES.get(known.name, _sum if known.is_cumulative else _first)
    for key, value in samples.items():
        before = known.samples.get(key)
        if before is None:
            known.samples[key] = value
        else:
            known.samples[key] = (min if key[0].endswith(CREATED) else rule)(before, value)


def metrics_of(families: Iterable[Family]) -> Iterable[Metric]:
    """Yields the families as the library's metrics; samples of one series stay together."""
    for family in families:
        metric = Metric(family.name, family.documentation, family.type)
        for (name, labels), value in family.samples.items():
            metric.add_sample(name, dict(labels), value)
        yield metric
