"""The queries of the alerts and of the dashboard, and the metrics and labels that they name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import promql_parser as promql
import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "monitoring"
ALERTS, DASHBOARD = EXAMPLE / "alerts.yml", EXAMPLE / "dashboard.json"
# What Grafana inserts.
INTERVAL, AN_INTERVAL = "$__rate_interval", "5m"


def alerts() -> dict[str, str]:
    """Returns the expression of each alert."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels() -> dict[str, str]:
    """Returns each query of the dashboard by the title of its panel and its letter."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace(INTERVAL, AN_INTERVAL)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", ())
    }


@dataclass(frozen=True)
class Selector:
    """A metric, the labels that a query needs of it, and the conditions on their values.

    A condition is a label and a regular expression, of which some value has to match.
    """

    metric: str
    labels: frozenset[str]
    conditions: tuple[tuple[str, str], ...]


def selectors(query: str) -> list[Selector]:
    """Returns all selectors of a query; raises `ValueError` if it is not PromQL."""
    return list(_selectors(promql.parse(query), frozenset()))


def _selectors(node: object, outer: frozenset[str]) -> Iterator[Selector]:
    if isinstance(node, promql.VectorSelector):
        yield _selector(node, outer)
    elif isinstance(node, promql.MatrixSelector):
        yield _selector(node.vector_selector, outer)
    elif isinstance(node, promql.AggregateExpr):
        grouped = node.modifier.labels if node.modifier else ()
        yield from _selectors(node.expr, frozenset(grouped))
    elif isinstance(node, promql.BinaryExpr):
        yield from _selectors(node.lhs, outer)
        yield from _selectors(node.rhs, outer)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _selectors(argument, outer)
    elif isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        yield from _selectors(node.expr, outer)


def _selector(node: promql.VectorSelector, outer: frozenset[str]) -> Selector:
    matchers = node.matchers.matchers
    equal, like = promql.MatchOp.Equal, promql.MatchOp.Re
    conditions = tuple(
        (it.name, re.escape(it.value) if it.op == equal else it.value)
        for it in matchers
        if it.op == equal or it.op == like  # noqa: PLR1714 - they have no hash
    )
    return Selector(str(node.name), outer | {it.name for it in matchers}, conditions)
