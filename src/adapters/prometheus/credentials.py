"""Metrics of credentials, read from their states at the moment of a scrape."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.application.credentials.summary import CredentialFigures, CredentialSummary


class CredentialMetrics(Collector):
    """The configured credentials by state, their expiry, and their attempts.

    Attempts are those of all gateways with the same state folder, also from before a restart.
    """

    def __init__(self, summary: CredentialSummary) -> None:
        self._summary = summary

    def collect(self) -> Iterator[Metric]:
        """Yields three families."""
        figures = list(self._summary.figures())
        states = GaugeMetricFamily(
            "modegate_credentials", "Credentials by state.", labels=["upstream", "state"]
        )
        for (upstream, status), number in self._summary.counts().items():
            states.add_metric([upstream, status], number)
        yield states
        yield _expiry(figures)
        yield _attempts(figures)


def _expiry(figures: list[CredentialFigures]) -> Metric:
    family = GaugeMetricFamily(
        "modegate_credential_expires_seconds",
        "Seconds until a credential expires; negative after that.",
        labels=["credential"],
    )
    for it in figures:
        if it.expires_in_s is not None:
            family.add_metric([it.id], it.expires_in_s)
    return family


def _attempts(figures: list[CredentialFigures]) -> Metric:
    family = CounterMetricFamily(
        "modegate_attempts",
        "Attempts with a credential; failed are those that say something about it.",
        labels=["upstream", "credential", "outcome"],
    )
    for it in figures:
        family.add_metric([it.upstream, it.id, "ok"], it.requests - it.failures)
        family.add_metric([it.upstream, it.id, "failed"], it.failures)
    return family
