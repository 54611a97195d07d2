"""The use cases of operators, with fakes."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from support.idle_claude import IdleClaude

from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.manage import ManageCredentials
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.probe import ProbeCredential
from modegate.application.credentials.states import CredentialStates
from modegate.application.credentials.summary import CredentialSummary
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.state import CredentialStatus
from modegate.domain.errors import CredentialNotFoundError, GatewayError, NoCredentialsError
from modegate.domain.errors.catalogue import backend, claude_code, upstream
from modegate.domain.health import CredentialsCheck, CredentialState
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.domain.session import SessionId
from modegate.testing.answer_backend import ScriptedBackend
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.ids import FakeIds
from modegate.testing.transcript_store import FakeTranscriptStore

DAY_S = 86_400.0
NOW = 1_792_000_000.0


class Catalog:
    """Lists no models, or raises `error`."""

    error: GatewayError | None = None

    async def list_models(
        self, _: Upstream, credential: Credential
    ) -> Sequence[Mapping[str, object]]:
        self.asked = credential.id
        if self.error is not None:
            raise self.error
        return []


class Transcripts(FakeTranscriptStore):
    deleted: SessionId | None = None

    async def delete(self, session_id: SessionId) -> bool:
        self.deleted = session_id
        return await super().delete(session_id)


class World:
    """The use cases with one upstream of the credentials `a` and `b`."""

    def __init__(self, *, expires_at: float | None = None, shift: float = 0.0) -> None:
        self.clock = FakeClock(NOW)
        if shift:
            self.clock.time_of_day = lambda: NOW + shift  # type: ignore[method-assign]
        credentials = (
            Credential("a", ApiKey("sk-a")),
            Credential("b", ApiKey("sk-b"), expires_at=expires_at),
        )
        known = Upstream(name="test", base_url="http://test/v1", credentials=credentials)
        configuration = FakeConfigurationSource(routes=Routes(upstreams=(known,)))
        self.store = MemoryCredentialStore()
        self.states = CredentialStates(self.store)
        self.login = IdleClaude()
        pools = CredentialPools(configuration, self.states, self.clock)
        self.claude = ClaudeCredential(self.states, self.login, self.clock)
        self.manage = ManageCredentials(pools=pools, claude=self.claude, clock=self.clock)
        self.summary = CredentialSummary(pools=pools, claude=self.claude, clock=self.clock)
        self.catalog, self.backend = Catalog(), ScriptedBackend()
        self.transcripts = Transcripts()
        self.probe = ProbeCredential(
            credentials=self.manage,
            catalog=self.catalog,
            backend=self.backend,
            sessions=SessionRegistry(
                store=MemorySessionStore(),
                transcripts=self.transcripts,
                configuration=configuration,
                clock=self.clock,
                ids=FakeIds(),
            ),
        )


@pytest.mark.parametrize("method", ["get", "switch", "probe"])
async def test_an_unknown_id_is_not_found(method: str) -> None:
    world = World()
    calls: Mapping[str, Any] = {
        "get": lambda: asyncio.sleep(0, world.manage.get("x")),
        "switch": lambda: world.manage.switch("x", enabled=True),
        "probe": lambda: world.probe.execute("x"),
    }
    with pytest.raises(CredentialNotFoundError):
        await calls[method]()


async def test_a_switch_is_stored_when_it_returns() -> None:
    world = World()
    await world.manage.switch("a", enabled=False)
    (stored,) = await world.store.load()
    assert (stored.id, stored.state.enabled, stored.state.switched_at) == ("a", False, NOW)


async def test_times_are_those_of_the_machines_clock() -> None:
    world = World(shift=3600)
    view = await world.manage.switch("a", enabled=False)
    assert view.since == NOW + 3600


async def test_claude_is_rejected_only_while_it_is_disabled() -> None:
    world = World()
    await world.claude.check()
    await world.manage.switch("claude", enabled=False)
    with pytest.raises(NoCredentialsError):
        await world.claude.check()
    await world.manage.switch("claude", enabled=True)
    await world.claude.check()


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (None, (1, 0)),
        (claude_code.auth_failed(), (1, 1)),
        (claude_code.unavailable(), (1, 1)),
        (claude_code.too_long(), (0, 0)),
        (asyncio.CancelledError(), (0, 0)),
    ],
    ids=repr,
)
async def test_a_turn_counts_if_it_says_something_about_the_login(
    error: BaseException | None, counts: tuple[int, int]
) -> None:
    claude = World().claude
    try:
        with claude.attempt():
            if error is not None:
                raise error
    except (GatewayError, asyncio.CancelledError):
        pass
    assert (claude.state.requests, claude.state.failures) == counts
    expected = CredentialStatus.READY if counts[0] else CredentialStatus.UNKNOWN
    assert claude.status is expected


async def test_a_missing_login_is_a_reason() -> None:
    world = World()
    world.login.credentials = CredentialState.MISSING
    assert world.manage.get("claude").reason == "no login and no key"


async def test_a_probe_of_claude_leaves_no_session() -> None:
    world = World()
    view = await world.probe.execute("claude")
    (turn,) = world.backend.turns
    assert (view.status, view.requests) == (CredentialStatus.READY, 1)
    assert world.transcripts.deleted == turn.session.id
    world.backend.script = (backend.never_started(),)
    assert (await world.probe.execute("claude")).failures == 1


async def test_a_probe_of_an_unreachable_upstream_is_a_failure_without_a_status() -> None:
    world = World()
    world.catalog.error = upstream.unreachable()
    view = await world.probe.execute("b")
    assert world.catalog.asked == "b"
    assert view.last_error is not None
    assert (view.last_error.status, view.failures) == (None, 1)


@pytest.mark.parametrize(
    ("expires_in_s", "disabled", "expected"),
    [
        (None, (), CredentialsCheck.OK),
        (None, ("a",), CredentialsCheck.OK),
        (None, ("a", "b"), CredentialsCheck.ERROR),
        (None, ("claude",), CredentialsCheck.ERROR),
        (8 * DAY_S, (), CredentialsCheck.OK),
        (6 * DAY_S, (), CredentialsCheck.WARN),
        (6 * DAY_S, ("b",), CredentialsCheck.OK),
        (-1.0, (), CredentialsCheck.WARN),
        (-1.0, ("a",), CredentialsCheck.ERROR),
    ],
)
async def test_the_check_is_the_worst_state(
    expires_in_s: float | None, disabled: Sequence[str], expected: CredentialsCheck
) -> None:
    world = World(expires_at=None if expires_in_s is None else NOW + expires_in_s)
    for credential_id in disabled:
        await world.manage.switch(credential_id, enabled=False)
    assert world.summary.check() is expected
