"""The contract suites of the smaller ports, run on the adapters and on broken fakes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from support.contracts import duties_of, expect_failure
from support.idle_claude import IdleClaude

from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.adapters.memory.configuration_source import (
    FixedConfigurationSource,
    MemoryConfigurationSource,
)
from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.adapters.prometheus.observer import PrometheusObserver
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.domain.configuration import Configuration
from modegate.domain.errors import BackendFailedError, GatewayError, RateLimitError
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.quota import KeyLimits, Limit, Quota
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import Routes
from modegate.domain.session import SessionId
from modegate.entrypoints.http.middleware.request_log import RequestLog
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.contracts.admission_limiter import AdmissionLimiterContract
from modegate.testing.contracts.clock import ClockContract
from modegate.testing.contracts.configuration_source import ConfigurationSourceContract
from modegate.testing.contracts.ids import IdGeneratorContract
from modegate.testing.contracts.model_catalog import ModelCatalogContract
from modegate.testing.contracts.rate_limiter import RateLimiterContract
from modegate.testing.contracts.request_observer import RequestObserverContract
from modegate.testing.contracts.transcript_store import KEPT, OTHER, TranscriptStoreContract
from modegate.testing.ids import FakeIds
from modegate.testing.transcript_store import FakeTranscriptStore

CONFIGURATION = Configuration(routes=Routes(clients_may_bring_keys=False))


class TestSystemClock(ClockContract):
    def clock(self) -> Any:
        return SystemClock()


class TestFakeClock(ClockContract):
    def clock(self) -> Any:
        return FakeClock()


class TestRandomIds(IdGeneratorContract):
    def ids(self) -> Any:
        return RandomIds()


class TestFakeIds(IdGeneratorContract):
    def ids(self) -> Any:
        return FakeIds()


class TestSlidingWindowLimiter(RateLimiterContract):
    made: Any = SlidingWindowLimiter

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[Any]:
        yield self.made()


class TestRateLimitsOfAdmission(TestSlidingWindowLimiter):
    made = MemoryAdmissionLimiter


class TestMemoryAdmissionLimiter(AdmissionLimiterContract):
    made: Any = MemoryAdmissionLimiter

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[Any]:
        yield self.made()


class TestFakeTranscriptStore(TranscriptStoreContract):
    made: Any = FakeTranscriptStore

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Any]:
        yield self.made(KEPT, OTHER)


class ListedCatalog:
    def __init__(self, *names: str, error: GatewayError | None = None) -> None:
        self._names = names
        self._error = error

    async def list_models(self, *_: object) -> Sequence[Mapping[str, object]]:
        if self._error:
            raise self._error
        return [{"id": name} for name in self._names]


class TestListedCatalog(ModelCatalogContract):
    made: Any = ListedCatalog

    def listing(self) -> AbstractAsyncContextManager[Any]:
        return self.world(*self.MODELS)

    def failing(self) -> AbstractAsyncContextManager[Any]:
        return self.world(error=BackendFailedError("x"))

    @asynccontextmanager
    async def world(self, *names: str, **options: Any) -> AsyncIterator[Any]:
        yield self.made(*names, **options)


class TestFixedConfigurationSource(ConfigurationSourceContract):
    made: Any = FixedConfigurationSource(CONFIGURATION)

    def source(self) -> Any:
        return self.made

    def expected(self) -> Configuration:
        return CONFIGURATION


class TestMemoryConfigurationSource(TestFixedConfigurationSource):
    made = MemoryConfigurationSource(CONFIGURATION)

    def test_requests_after_a_replacement_get_the_new_snapshot(self) -> None:
        source, other = MemoryConfigurationSource(CONFIGURATION), Configuration()
        source.replace(other)
        assert source.current() is other


class TestFakeConfigurationSource(TestFixedConfigurationSource):
    made = FakeConfigurationSource()

    def expected(self) -> Configuration:
        return self.made.current()


class TestPrometheusObserver(RequestObserverContract):
    def observer(self) -> Any:
        return PrometheusObserver(IdleClaude())


class TestRequestLog(RequestObserverContract):
    made: Any = RequestLog

    @pytest.fixture(autouse=True)
    def logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)

    def observer(self) -> Any:
        return self.made()


# Each of these fakes breaks one contract test.


class BackwardClock(FakeClock):
    def now(self) -> float:
        self.advance(-1)
        return super().now()


class ConstantIds(FakeIds):
    def completion_id(self) -> str:
        return "chatcmpl-1"


class PlainIds(FakeIds):
    def __init__(self) -> None:
        super().__init__()
        self._plain = count()

    def session_id(self) -> str:
        return f"session-{next(self._plain)}"


class UnlimitedLimiter(SlidingWindowLimiter):
    async def record(self, limit: Limit, subject: str) -> Quota:
        try:
            return await super().record(limit, subject)
        except GatewayError:
            return await self.peek(limit, subject)


class RacyLimiter(SlidingWindowLimiter):
    async def record(self, limit: Limit, subject: str) -> Quota:
        if (await self.peek(limit, subject)).remaining == 0:
            return await super().record(limit, subject)
        await asyncio.sleep(0)
        return await super().record(Limit(limit.name, 1_000, limit.seconds), subject)


class OneSubject(SlidingWindowLimiter):
    async def record(self, limit: Limit, subject: str) -> Quota:
        return await super().record(limit, subject[:0])


class OneLimit(SlidingWindowLimiter):
    async def record(self, limit: Limit, subject: str) -> Quota:
        return await super().record(Limit("any", limit.requests, limit.seconds), subject)


class NoRetryAfterLimiter(SlidingWindowLimiter):
    async def record(self, limit: Limit, subject: str) -> Quota:
        try:
            return await super().record(limit, subject)
        except GatewayError as error:
            error.retry_after = None
            raise


class CountingPeek(SlidingWindowLimiter):
    async def peek(self, limit: Limit, subject: str) -> Quota:
        return await self.record(limit, subject)


class UnboundedLimiter(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is not None:
            key = replace(key, permits=key.permits + 1_000)
        return await super().acquire(per_address, address, key)


class FirstLimit(MemoryAdmissionLimiter):
    _first: int | None = None

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is not None:
            self._first = self._first or key.permits
            key = replace(key, permits=self._first)
        return await super().acquire(per_address, address, key)


class SharedSubjectLimiter(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is not None:
            key = replace(key, subject="")
        return await super().acquire(per_address, address, key)


class NeverReleased(MemoryAdmissionLimiter):
    def release(self, subject: str) -> None:
        pass


class ReleasesAll(MemoryAdmissionLimiter):
    def release(self, subject: str) -> None:
        self._taken.pop(subject, None)


class ReleasesOthers(MemoryAdmissionLimiter):
    def release(self, subject: str) -> None:  # noqa: ARG002
        for it in list(self._taken):
            super().release(it)


class ChecksBeforeItWaits(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is not None and self._taken.get(key.subject, 0) >= key.permits:
            raise RateLimitError("Too many concurrent requests.")
        await asyncio.sleep(0)
        if key is not None:
            key = replace(key, permits=1_000)
        return await super().acquire(per_address, address, key)


class ReleasesOnRejection(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        try:
            return await super().acquire(per_address, address, key)
        except GatewayError:
            if key is not None:
                self.release(key.subject)
            raise


class CountsAddressesWithoutKeys(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        return await super().acquire(per_address, address if key is None else "", key)


class CountsBeforePermits(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is not None and key.rate is not None:
            self.count(key.rate, key.subject)
            key = replace(key, rate=None)
        return await super().acquire(per_address, address, key)


class HoldsRejectedPermits(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if key is None or key.rate is None:
            return await super().acquire(per_address, address, key)
        await super().acquire(per_address, address, replace(key, rate=None))
        return self.count(key.rate, key.subject)


class QuotaOfTheAddress(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        await super().acquire(per_address, address, key)
        return await self.peek(per_address, address)


class KeepsCancelledPermits(MemoryAdmissionLimiter):
    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        quota = await super().acquire(per_address, address, key)
        await asyncio.sleep(0)
        return quota


class EmptyListStore(FakeTranscriptStore):
    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        del limit, after
        return []


class ListsAllAtOnce(FakeTranscriptStore):
    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        del limit
        return await super().list_ids(limit=9, after=after)


class ListsUnsorted(FakeTranscriptStore):
    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        found = await super().list_ids(limit=9, after=after)
        return found[::-1][:limit]


class RepeatsTheFirstPage(FakeTranscriptStore):
    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        del after
        return await super().list_ids(limit=limit)


class SearchesTheLastId(FakeTranscriptStore):
    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        ids = sorted(self.ids)
        start = 0 if after is None else 1 + (ids.index(after) if after in ids else len(ids))
        return ids[start : start + limit]


class NeverDeletingStore(FakeTranscriptStore):
    async def delete(self, session_id: SessionId) -> bool:
        return session_id in self.ids


class DeletesOnce(FakeTranscriptStore):
    async def delete(self, session_id: SessionId) -> bool:
        self.ids.remove(session_id)
        return True


class Reissues(FakeTranscriptStore):
    @contextmanager
    def reserve(self, cli_model: str, effort: Effort | None) -> Iterator[SessionId | None]:
        del cli_model, effort
        yield KEPT


class UnnamedModelsCatalog(ListedCatalog):
    async def list_models(self, *asked: object) -> Sequence[Mapping[str, object]]:
        return [{**model, "id": "?"} for model in await super().list_models(*asked)]


class RawErrorCatalog(ListedCatalog):
    async def list_models(self, *asked: object) -> Sequence[Mapping[str, object]]:
        try:
            return await super().list_models(*asked)
        except GatewayError as error:
            raise OSError("raw") from error


class RebuildingSource:
    def current(self) -> Configuration:
        return Configuration(routes=Routes(clients_may_bring_keys=False))


class RouteRequiredLog(RequestLog):
    def observe(self, record: RequestRecord) -> None:
        assert record.route is not None
        super().observe(record)


class MutatingLog(RequestLog):
    def observe(self, record: RequestRecord) -> None:
        record.status = 200
        super().observe(record)


BROKEN: list[tuple[type, str, Any]] = [
    (TestFakeClock, "test_time_is_seconds_and_never_decreases", BackwardClock),
    (TestFakeIds, "test_answers_have_unique_ids_with_the_prefix_of_the_api", ConstantIds),
    (TestFakeIds, "test_sessions_have_unique_uuids_of_version_4", PlainIds),
    (TestSlidingWindowLimiter, "test_the_limit_is_exact", UnlimitedLimiter),
    (TestSlidingWindowLimiter, "test_the_limit_is_exact_for_concurrent_requests", RacyLimiter),
    (TestSlidingWindowLimiter, "test_subjects_are_counted_separately", OneSubject),
    (TestSlidingWindowLimiter, "test_limits_are_counted_separately", OneLimit),
    (TestSlidingWindowLimiter, "test_a_rejection_says_when_to_retry", NoRetryAfterLimiter),
    (TestSlidingWindowLimiter, "test_peeking_counts_nothing", CountingPeek),
    (
        TestMemoryAdmissionLimiter,
        "test_a_permit_above_the_limit_is_rejected_without_waiting",
        UnboundedLimiter,
    ),
    (TestMemoryAdmissionLimiter, "test_keys_are_counted_separately", SharedSubjectLimiter),
    (TestMemoryAdmissionLimiter, "test_a_released_permit_can_be_acquired_again", NeverReleased),
    (TestMemoryAdmissionLimiter, "test_a_release_frees_one_permit_of_its_key", ReleasesAll),
    (TestMemoryAdmissionLimiter, "test_a_release_frees_one_permit_of_its_key", ReleasesOthers),
    (
        TestMemoryAdmissionLimiter,
        "test_concurrent_requests_do_not_exceed_the_permits",
        ChecksBeforeItWaits,
    ),
    (TestMemoryAdmissionLimiter, "test_the_number_of_permits_is_that_of_the_request", FirstLimit),
    (TestMemoryAdmissionLimiter, "test_a_rejection_releases_nothing", ReleasesOnRejection),
    (
        TestMemoryAdmissionLimiter,
        "test_the_address_is_counted_first_and_for_every_request",
        CountsAddressesWithoutKeys,
    ),
    (
        TestMemoryAdmissionLimiter,
        "test_a_request_without_a_permit_does_not_count_for_the_rate_of_its_key",
        CountsBeforePermits,
    ),
    (
        TestMemoryAdmissionLimiter,
        "test_a_request_that_the_rate_rejects_holds_no_permit",
        HoldsRejectedPermits,
    ),
    (
        TestMemoryAdmissionLimiter,
        "test_the_quota_is_that_with_fewer_requests_remaining",
        QuotaOfTheAddress,
    ),
    (TestMemoryAdmissionLimiter, "test_a_cancelled_call_acquires_nothing", KeepsCancelledPermits),
    (TestFakeTranscriptStore, "test_list_ids_returns_all_stored_sessions", EmptyListStore),
    *(
        (TestFakeTranscriptStore, "test_ids_come_in_sorted_pages", broken)
        for broken in (ListsAllAtOnce, ListsUnsorted, RepeatsTheFirstPage)
    ),
    (
        TestFakeTranscriptStore,
        "test_paging_goes_on_after_an_id_that_was_deleted",
        SearchesTheLastId,
    ),
    (TestFakeTranscriptStore, "test_delete_removes_only_the_given_session", NeverDeletingStore),
    (TestFakeTranscriptStore, "test_deleting_is_idempotent", DeletesOnce),
    (TestFakeTranscriptStore, "test_a_reserved_session_is_new_and_reserved_once", Reissues),
    (TestListedCatalog, "test_it_lists_the_upstreams_models", UnnamedModelsCatalog),
    (TestListedCatalog, "test_a_failure_is_a_gateway_error", RawErrorCatalog),
    (TestFixedConfigurationSource, "test_it_returns_the_snapshot", FakeConfigurationSource()),
    (
        TestFixedConfigurationSource,
        "test_between_two_reloads_the_snapshot_is_the_same_object",
        RebuildingSource(),
    ),
    (TestRequestLog, "test_any_record_can_be_observed", RouteRequiredLog),
    (TestRequestLog, "test_a_record_is_not_changed", MutatingLog),
]
SUITES = (
    ClockContract,
    IdGeneratorContract,
    RateLimiterContract,
    AdmissionLimiterContract,
    TranscriptStoreContract,
    ModelCatalogContract,
    ConfigurationSourceContract,
    RequestObserverContract,
)


def test_every_contract_test_has_a_fake_that_breaks_it() -> None:
    for suite in SUITES:
        assert {duty for tested, duty, _ in BROKEN if issubclass(tested, suite)} == duties_of(suite)


@pytest.mark.parametrize(("tested", "duty", "broken"), BROKEN)
async def test_each_contract_test_fails_for_a_broken_adapter(
    tested: type, duty: str, broken: Any
) -> None:
    class Tested(tested):  # type: ignore[misc]
        made = broken

        def clock(self) -> Any:
            return broken()

        def ids(self) -> Any:
            return broken()

    await expect_failure(getattr(Tested(), duty))
