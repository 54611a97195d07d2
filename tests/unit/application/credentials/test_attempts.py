"""Failover over scripted upstreams; the pool's rules have tests of their own."""

import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.application.credentials.attempts import Attempts
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.states import CredentialStates
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.credentials.state import CredentialState
from modegate.domain.errors import (
    CredentialsCoolingError,
    GatewayError,
    UpstreamRefusalError,
)
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import RelayRoute, Routes
from modegate.domain.routing.upstream import Upstream
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource

Outcome = UpstreamResponse | BaseException
OK = UpstreamResponse(200, (), b"{}")


def answer(status: int, body: bytes = b"{}", **headers: str) -> UpstreamResponse:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return UpstreamResponse(status, named, body)


class Relay:
    """Answers by credential; `asked` has the ids of all attempts, `open` those not closed."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.repeated: dict[str, list[GatewayError]] = {}
        self.asked: list[str] = []
        self.requests: list[UpstreamRequest] = []
        self.open: list[str] = []

    @asynccontextmanager
    async def send(
        self, request: UpstreamRequest, credential: Credential
    ) -> AsyncIterator[UpstreamResponse]:
        self.asked.append(credential.id)
        self.requests.append(replace(request))
        for error in self.repeated.get(credential.id, ()):
            request.on_failure(error)
        outcome = self.outcomes.get(credential.id, OK)
        if isinstance(outcome, BaseException):
            raise outcome
        self.open.append(credential.id)
        try:
            yield outcome
        finally:
            self.open.remove(credential.id)


class World:
    def __init__(self, *ids: str, **outcomes: Outcome) -> None:
        credentials = tuple(Credential(it, ApiKey(f"sk-{it}")) for it in ids)
        self.upstream = Upstream(name="test", base_url="http://x/v1", credentials=credentials)
        self.clock = FakeClock(1000.0)
        self.relay = Relay(**outcomes)
        self.configuration = FakeConfigurationSource(routes=Routes(upstreams=(self.upstream,)))
        self.states = CredentialStates(MemoryCredentialStore())
        self.pools = CredentialPools(self.configuration, self.states, self.clock)
        self.attempts = Attempts(self.relay, self.pools, total_s=300.0)
        self.record = RequestRecord()

    async def ask(self, own: Credential | None = None, *, repeatable: bool = True) -> int:
        request = UpstreamRequest(upstream=self.upstream, body=b"{}", is_repeatable=repeatable)
        route = RelayRoute(self.upstream, None, own)
        async with self.attempts.send(route, request, self.record, "") as response:
            assert len(self.relay.open) == 1
            return response.status

    def state(self, credential_id: str) -> CredentialState:
        member = self.pools.of(self.upstream).find(credential_id)
        assert member is not None
        return member.state


@pytest.mark.parametrize("status", [401, 402, 403, 429, 500, 529])
async def test_a_failed_credential_is_followed_by_the_next(status: int) -> None:
    world = World("a", "b", a=answer(status))
    assert await world.ask() == 200
    assert world.relay.asked == ["a", "b"]
    assert world.relay.open == []
    assert world.record.credential == "b"
    assert (world.state("a").failures, world.state("b").requests) == (1, 1)


@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 415, 422])
async def test_a_fault_of_the_request_is_answered_by_the_first(status: int) -> None:
    world = World("a", "b", a=answer(status))
    assert await world.ask() == status
    assert world.relay.asked == ["a"]
    assert world.state("a").failures == 0


@pytest.mark.parametrize("error", [errors.unreachable, errors.timed_out])
async def test_an_upstream_without_an_answer_is_asked_with_the_next(
    error: Callable[[], GatewayError],
) -> None:
    world = World("a", "b", a=error())
    assert await world.ask() == 200


async def test_an_answer_that_may_be_charged_is_not_requested_again() -> None:
    world = World("a", "b", a=errors.unreadable("cut"))
    with pytest.raises(GatewayError):
        await world.ask()
    assert world.relay.asked == ["a"]


async def test_the_last_error_is_answered_if_no_credential_is_left() -> None:
    world = World("a", "b", "c", a=answer(401), b=answer(500), c=answer(429, b"last"))
    assert await world.ask() == 429
    assert world.relay.asked == ["a", "b", "c"]
    world.relay.outcomes["c"] = errors.unreachable()
    world.clock.advance(2)
    with pytest.raises(GatewayError):
        await world.ask()


async def test_without_a_usable_credential_nothing_is_asked() -> None:
    world = World("a", "b", a=answer(401), b=answer(429, retry_after="40"))
    await world.ask()
    world.clock.advance(10)
    with pytest.raises(CredentialsCoolingError) as caught:
        await world.ask()
    assert caught.value.retry_after == 30
    assert world.relay.asked == ["a", "b"]


async def test_a_clients_own_key_bypasses_the_pool() -> None:
    world = World("a", "b", client=answer(401))
    assert await world.ask(Credential(CLIENTS_OWN, ApiKey("sk-own"))) == 401
    assert world.relay.asked == [CLIENTS_OWN]
    assert world.record.credential == CLIENTS_OWN
    assert (world.state("a").requests, world.state("b").requests) == (0, 0)


async def test_repeated_attempts_count_and_cool() -> None:
    world = World("a", "b", a=answer(503))
    refusal = UpstreamRefusalError(answer(503))
    world.relay.repeated["a"] = [refusal, errors.unreachable()]
    assert await world.ask() == 200
    assert world.state("a").requests == 3
    assert await world.ask() == 200
    assert world.relay.asked == ["a", "b", "b"]


async def test_rate_limits_are_repeated_with_a_pool_of_one_only() -> None:
    single, pool = World("a"), World("a", "b")
    await single.ask()
    await pool.ask()
    assert single.relay.requests[0].repeats_rate_limits
    assert not pool.relay.requests[0].repeats_rate_limits


async def test_a_body_that_can_be_sent_once_is_sent_once() -> None:
    world = World("a", "b", a=answer(500))
    assert await world.ask(repeatable=False) == 500
    assert world.relay.asked == ["a"]


async def test_a_spent_quota_cools_like_a_rejection() -> None:
    world = World("a", "b", a=answer(429, b'{"error":{"code":"insufficient_quota"}}'))
    await world.ask()
    world.clock.advance(1799)
    await world.ask()
    assert world.relay.asked == ["a", "b", "b"]


async def test_a_client_cannot_have_a_credential_cooled_by_words_in_its_request() -> None:
    quoted = b'{"error": {"message": "Invalid value: insufficient_quota."}}'
    world = World("a", "b", a=answer(400, quoted))
    assert await world.ask() == 400
    await world.ask()
    assert world.relay.asked == ["a", "a"]


async def test_a_limit_that_names_billing_and_a_time_cools_as_a_rate_limit() -> None:
    limit = b'{"error": {"message": "Check your plan and billing details. Please retry in 9s."}}'
    world = World("a", "b", a=answer(429, limit))
    await world.ask()
    world.clock.advance(2)
    await world.ask()
    assert world.relay.asked == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, b"Your organization must be verified to use the model `gpt-image-1`."),
        (401, b"You have insufficient permissions for this operation. Missing scopes: files.read"),
    ],
)
async def test_a_missing_permission_does_not_stop_other_requests(
    status: int, message: bytes
) -> None:
    world = World("a", "b", a=answer(status, b'{"error":{"message":"%b"}}' % message))
    await world.ask()
    await world.ask()
    assert world.relay.asked == ["a", "b", "a", "b"]


async def test_a_cancelled_trial_lets_another_request_decide() -> None:
    world = World("a", "b", a=answer(429, retry_after="90000"))
    await world.ask()
    world.clock.advance(3600)
    world.relay.outcomes["a"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        await world.ask()
    world.relay.outcomes["a"] = OK
    await world.ask()
    assert world.relay.asked == ["a", "b", "a", "a"]


async def test_all_attempts_share_the_time_until_the_first_byte() -> None:
    world = World("a", "b", a=answer(500))
    await world.ask()
    first, second = world.relay.requests
    assert first.time_left_s is None
    assert second.time_left_s is not None
    assert 0 < second.time_left_s <= 300


async def test_a_request_from_before_a_new_key_does_not_touch_the_new_keys_state() -> None:
    world = World("a", "b", a=answer(401))
    old, new = world.upstream, Credential("a", ApiKey("sk-new"))
    source = world.configuration
    source.change(routes=source.current().with_credentials({"a": new}).routes)
    world.relay.outcomes["a"] = OK
    (world.upstream,) = source.current().routes.upstreams
    await world.ask()
    pool, state = world.pools.of(world.upstream), world.state("a")
    assert state.requests == 1
    world.upstream, world.relay.outcomes["a"] = old, answer(401)
    await world.ask()
    (world.upstream,) = source.current().routes.upstreams
    assert world.pools.of(world.upstream) is pool
    assert world.state("a") is state
    assert (state.requests, state.failures, state.cooldown) == (1, 0, None)


async def test_states_outlive_the_pool() -> None:
    world = World("a", "b", a=answer(401))
    await world.ask()
    other = replace(world.upstream, prefix="x")
    member = world.pools.of(other).find("a")
    assert member is not None
    assert member.state is world.state("a")


async def test_a_request_that_ended_needs_no_garbage_collector() -> None:
    world = World("a", "b", a=answer(429))
    request = UpstreamRequest(upstream=world.upstream, body=b"{}")
    sending = world.attempts.send(RelayRoute(world.upstream), request, world.record, "")
    gc.disable()
    try:
        async with sending as response:
            assert response.status == 200
        world.relay.requests.clear()
        ended = weakref.ref(sending)
        del sending
        assert ended() is None
    finally:
        gc.enable()
