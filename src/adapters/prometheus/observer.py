"""Metrics as an observer of requests."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.adapters.prometheus.batches import BatchMetrics
from modegate.adapters.prometheus.budgets import BudgetMetrics
from modegate.adapters.prometheus.credentials import CredentialMetrics
from modegate.adapters.prometheus.ledger import LedgerMetrics
from modegate.adapters.prometheus.merging import Family, families_of, metrics_of
from modegate.adapters.prometheus.quota_windows import QuotaWindowMetrics
from modegate.adapters.prometheus.request_figures import NONE, RequestFigures
from modegate.adapters.prometheus.store import StoreMetrics
from modegate.adapters.prometheus.worker_samples import WorkerSamples
from modegate.application.credentials.summary import CredentialSummary
from modegate.application.ports.backend_status import BackendStatus
from modegate.application.ports.shared_store import SharedStore
from modegate.domain.batches.queued_item import QueueLoad
from modegate.domain.budgets.account import Balance
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.condition import LedgerCondition

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
FIRST_ERROR_STATUS = 400


class PrometheusObserver:
    """Counts requests since the start. Labels have few values, all of them the gateway's own.

    `workers` are the samples of all workers of the gateway, None if this process is the only one.
    """

    def __init__(
        self,
        claude: BackendStatus,
        credentials: CredentialSummary | None = None,
        ledger: Callable[[], LedgerCondition] | None = None,
        budgets: Callable[[], Sequence[Balance]] | None = None,
        workers: WorkerSamples | None = None,
    ) -> None:
        self._workers = workers
        self.registry = CollectorRegistry()
        self._requests = RequestFigures(SECONDS)
        self.registry.register(self._requests)
        self._errors = Counter(
            "modegate_errors", "Errors by their code.", ["mode", "code"], registry=self.registry
        )
        self._left = Counter(
            "modegate_clients_left",
            "Requests whose client left before the answer was whole.",
            ["mode"],
            registry=self.registry,
        )
        self._first_token = Histogram(
            "modegate_first_token_seconds",
            "From a request's beginning to the first event of its stream.",
            ["mode"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Capacity(claude))
        self.registry.register(QuotaWindowMetrics(claude))
        if credentials is not None:
            self.registry.register(CredentialMetrics(credentials))
        if ledger is not None:
            self.registry.register(LedgerMetrics(ledger))
        if budgets is not None:
            self.registry.register(BudgetMetrics(budgets))

    def show_batches(self, load: Callable[[], QueueLoad]) -> None:
        """Exposes the load of batches, too."""
        self.registry.register(BatchMetrics(load))

    def watch_store(self, store: SharedStore) -> None:
        """Exposes the state of a shared store, too."""
        self.registry.register(StoreMetrics(store))

    def observe(self, record: RequestRecord) -> None:
        """Counts one request."""
        mode = record.mode or NONE
        code = record.error
        self._requests.add(mode, record.route, record.status, code, record.seconds)
        if code:
            self._errors.labels(mode, code).inc()
        if record.client_left:
            self._left.labels(mode).inc()
        if record.first_token is not None:
            self._first_token.labels(mode).observe(record.first_token)
        if record.usage is not None:
            self._requests.add_usage(
                mode,
                record.used_model,
                record.usage,
                record.cost_usd,
                is_named=record.status < FIRST_ERROR_STATUS,
            )

    def render(self) -> str:
        """Returns all figures of all workers in Prometheus' text format 0.0.4."""
        if self._workers is None:
            return generate_latest(self.registry).decode()
        merged = self._workers.merged(families_of(self.registry.collect()))
        return generate_latest(_Merged(merged)).decode()

    def publish(self) -> None:
        """Lets other workers expose the figures of this one; a no-op without other workers."""
        if self._workers is not None:
            self._workers.publish(families_of(self.registry.collect()))

    def close(self) -> None:
        """Publishes the last figures. They remain until the gateway stops. Idempotent."""
        if self._workers is not None:
            self.publish()
            self._workers.close()
            self._workers = None


class _Merged(Collector):
    """The figures of several processes."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Yields the families."""
        return metrics_of(self._families)


class _Capacity(Collector):
    """The process pool at the moment of the scrape."""

    def __init__(self, claude: BackendStatus) -> None:
        self._claude = claude

    def collect(self) -> Iterator[Metric]:
        """Yields one gauge a figure."""
        capacity = self._claude.status().capacity
        processes = GaugeMetricFamily(
            "modegate_processes", "Processes of the claude CLI.", labels=["state"]
        )
        processes.add_metric(["active"], capacity.active)
        processes.add_metric(["warm"], capacity.warm)
        processes.add_metric(["live"], capacity.live)
        yield processes
        yield GaugeMetricFamily("modegate_slots", "Places for processes.", capacity.maximum)
        yield GaugeMetricFamily(
            "modegate_claude_parked_turns",
            "Turns that wait for the results of a client's tools.",
            capacity.parked,
        )
        yield GaugeMetricFamily("modegate_queue", "Requests that wait for one.", capacity.queued)
