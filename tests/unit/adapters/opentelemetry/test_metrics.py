"""The metrics of a request, made from its record."""

import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from modegate.adapters.opentelemetry.metrics import DURATION_S, GenerationMetrics
from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.testing.contracts.request_observer import RequestObserverContract

CHAT = "/v1/chat/completions"
DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
FIRST_TOKEN = "gen_ai.server.time_to_first_token"  # noqa: S105 - the name of a metric
OPENAI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
}


class TestGenerationMetrics(RequestObserverContract):
    def observer(self) -> GenerationMetrics:
        return GenerationMetrics(InMemoryMetricReader())


def chat(model: str = "gpt-4o", status: int = 200, error: str | None = None) -> RequestRecord:
    """Returns the record of a relayed request, of which the backend took 2 of 3 seconds."""
    record = RequestRecord("POST", route=CHAT, mode="openai-passthrough", model=model)
    record.status, record.error, record.upstream = status, error, "openai"
    record.backend_began, record.seconds = record.started + 1, 3.0
    return record


def points(*records: RequestRecord) -> dict[str, list[HistogramDataPoint]]:
    """Returns the data points of each metric after the records were observed."""
    reader = InMemoryMetricReader()
    metrics = GenerationMetrics(reader)
    for record in records:
        metrics.observe(record)
    found: dict[str, list[HistogramDataPoint]] = {}
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        assert resource.resource.attributes["service.instance.id"]
        for scope in resource.scope_metrics:
            for it in scope.metrics:
                assert it.unit == ("{token}" if it.name == TOKENS else "s")
                for point in it.data.data_points:
                    assert isinstance(point, HistogramDataPoint)
                    found.setdefault(it.name, []).append(point)
    return found


def test_an_answered_request_has_a_duration_and_tokens() -> None:
    record = chat()
    record.add_usage(Usage(10, 2))
    found = points(record)
    (duration,) = found[DURATION]
    assert abs(duration.sum - 2.0) < 1e-6
    assert duration.attributes == OPENAI
    assert tuple(duration.explicit_bounds) == DURATION_S
    assert {(it.attributes or {})["gen_ai.token.type"]: it.sum for it in found[TOKENS]} == {
        "input": 10,
        "output": 2,
    }
    assert FIRST_TOKEN not in found


@pytest.mark.parametrize("route", ["/v1/messages", "/v1/responses"])
def test_requests_of_each_dialect_are_chats(route: str) -> None:
    record = chat()
    record.route = route
    (duration,) = points(record)[DURATION]
    assert duration.attributes == OPENAI


def test_the_boundaries_are_those_of_the_conventions() -> None:
    record = chat()
    record.first_token = 0.3
    record.add_usage(Usage(10, 2))
    bounds = {name: tuple(it[0].explicit_bounds) for name, it in points(record).items()}
    assert (bounds[DURATION][0], bounds[DURATION][-1], len(bounds[DURATION])) == (0.01, 81.92, 14)
    assert (bounds[TOKENS][0], bounds[TOKENS][-1], len(bounds[TOKENS])) == (1, 67108864, 14)
    assert (bounds[FIRST_TOKEN][0], bounds[FIRST_TOKEN][-1]) == (0.001, 10)


def test_only_a_stream_that_succeeded_has_a_time_to_its_first_token() -> None:
    succeeded, cut = chat(), chat(error="upstream_stream_cut")
    succeeded.first_token, cut.first_token = 0.25, 0.5
    (first,) = points(succeeded, cut)[FIRST_TOKEN]
    assert (first.count, first.sum) == (1, 0.25)


def test_a_failure_has_its_code_as_the_type_of_the_error() -> None:
    (duration,) = points(chat(status=502, error="upstream_unreachable"))[DURATION]
    attributes = duration.attributes or {}
    assert attributes["error.type"] == "upstream_unreachable"
    assert attributes["gen_ai.request.model"] == "other"  # no backend has accepted it


def test_a_turn_of_the_cli_names_its_provider() -> None:
    record = chat("sonnet")
    record.mode, record.upstream = "claude-code", None
    (duration,) = points(record)[DURATION]
    assert (duration.attributes or {})["gen_ai.provider.name"] == "anthropic"


def test_models_are_bounded() -> None:
    found = points(*(chat(f"m{number}") for number in range(150)))[DURATION]
    assert len(found) == 101


def test_estimates_and_requests_without_a_backend_are_not_counted() -> None:
    estimated, rejected, other = chat(), chat(), chat()
    estimated.add_usage(Usage(10, 2, estimated=True))
    rejected.backend_began, other.route = None, "/v1/images/generations"
    found = points(estimated, rejected, other)
    assert list(found) == [DURATION]
    assert found[DURATION][0].count == 1
