"""`GET /metrics`, for Prometheus."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import falcon.asgi
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modegate.application.check_health import CheckHealth
from modegate.application.ports.session_store import SessionStore
from modegate.domain.access.client import ApiKey, bearer_key
from modegate.domain.errors import InvalidKeyError, MissingKeyError, StorageError
from modegate.entrypoints.http.middleware.request_log import RequestLog

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
NONE = "none"


class Metrics:
    """What happened since the start; labels have few values, all of them the gateway's own."""

    def __init__(self, check: CheckHealth) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "modegate_requests", "Requests that ended.", ["mode", "status"], registry=self.registry
        )
        self._errors = Counter(
            "modegate_errors", "Errors by their code.", ["mode", "code"], registry=self.registry
        )
        self._left = Counter(
            "modegate_clients_left",
            "Requests whose client left before the answer was whole.",
            ["mode"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "modegate_request_seconds",
            "From a request's beginning to its end.",
            ["mode"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._first_token = Histogram(
            "modegate_first_token_seconds",
            "From a request's beginning to the first event of its stream.",
            ["mode"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "modegate_tokens", "Tokens of Claude Code.", ["kind"], registry=self.registry
        )
        self.registry.register(_Capacity(check))
        self._usual = cache(self._find_usual)  # both labels have few values

    def observe(self, record: RequestLog) -> None:
        """A request has ended."""
        mode = record.mode or NONE
        requests, duration = self._usual(mode, record.status)
        requests.inc()
        duration.observe(record.seconds)
        if record.error:
            self._errors.labels(mode, record.error).inc()
        if record.client_left:
            self._left.labels(mode).inc()
        if record.first_token is not None:
            self._first_token.labels(mode).observe(record.first_token)
        if record.prompt_tokens is not None:
            self._tokens.labels("prompt").inc(record.prompt_tokens)
            self._tokens.labels("completion").inc(record.completion_tokens or 0)

    def _find_usual(self, mode: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(mode, status), self._duration.labels(mode)


class _Capacity(Collector):
    """The process pool, as it is when somebody asks."""

    def __init__(self, check: CheckHealth) -> None:
        self._check = check

    def collect(self) -> Iterator[Metric]:
        """One gauge a figure."""
        capacity = self._check().claude.capacity
        processes = GaugeMetricFamily(
            "modegate_processes", "Processes of the claude CLI.", labels=["state"]
        )
        processes.add_metric(["active"], capacity.active)
        processes.add_metric(["warm"], capacity.warm)
        processes.add_metric(["live"], capacity.live)
        yield processes
        yield GaugeMetricFamily("modegate_slots", "Places for processes.", capacity.maximum)
        yield GaugeMetricFamily("modegate_queue", "Requests that wait for one.", capacity.queued)


SEND_TOKEN = "Send METRICS_TOKEN as Authorization: Bearer TOKEN."  # noqa: S105 - a message


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The figures as text; with a `token` only for who has it."""

    metrics: Metrics
    sessions: SessionStore
    token: str | None = None

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """All figures, and the number of sessions."""
        self._check_token(req.get_header("Authorization"))
        page = generate_latest(self.metrics.registry).decode()
        resp.content_type = CONTENT_TYPE
        resp.text = page + await self._sessions()

    async def _sessions(self) -> str:
        """Their number; nothing where the store fails, for all else can still be told."""
        try:
            known = len(await self.sessions.find())
        except StorageError:
            return ""
        return (
            "# HELP modegate_sessions Sessions that are remembered.\n"
            f"# TYPE modegate_sessions gauge\nmodegate_sessions {known}\n"
        )

    def _check_token(self, authorization: str | None) -> None:
        if self.token is None:
            return
        key = bearer_key(authorization)
        if key is None:
            raise MissingKeyError(SEND_TOKEN)
        if not hmac.compare_digest(key.digest, ApiKey(self.token).digest):
            raise InvalidKeyError(SEND_TOKEN, label=str(key))
