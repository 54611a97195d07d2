import itertools
from dataclasses import replace
from typing import Any

import pytest

from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.application.check_health import CheckHealth
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.states import CredentialStates
from modegate.application.list_models import ListModels
from modegate.application.ports.model_lists import ModelList
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.credentials.credential import Credential
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import BackendFailedError, GatewayError
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState, PassthroughState
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.mode import Mode, ModeDefaults
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.route import CLAUDE, Routes
from modegate.domain.routing.upstream import Upstream
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.upstreams import CREDENTIAL, UPSTREAM

DEFAULTS = ModeDefaults()
NO_KEY = replace(UPSTREAM, credentials=())
UPSTREAMS = {
    PassthroughState.OK: (UPSTREAM,),
    PassthroughState.NO_KEY: (NO_KEY,),
    PassthroughState.DISABLED: (),
}


class Lists:
    """Knows a list of models for each upstream."""

    def __init__(self, *ids: str, error: GatewayError | None = None) -> None:
        self.asked: list[tuple[Upstream, Credential | None]] = []
        self.listed = ModelList([{"id": name, "created": 7, "size": 1} for name in ids], error)

    async def of(self, upstream: Upstream, credential: Credential | None) -> ModelList:
        self.asked.append((upstream, credential))
        return self.listed


def listing(
    lists: Lists | None = None, *, modes: ModeDefaults = DEFAULTS, **routes: Any
) -> ListModels:
    changed = {"routes": Routes(**routes)} if routes else {}
    source = FakeConfigurationSource(modes=modes, **changed)
    states = CredentialStates(MemoryCredentialStore())
    pools = CredentialPools(source, states, FakeClock())
    return ListModels(source, lists or Lists(), pools)


async def test_every_listed_model_is_accepted() -> None:
    models = ModelMap()
    listed = await listing().execute()
    names = [model.id for model in listed]
    assert names[: len(models.names)] == list(models.names)
    assert names[len(models.names) :] == [
        f"claude-code/{it}"
        for it in models.names
        if not it.startswith(("gpt", "chatgpt", "default"))
    ]
    for model in listed:
        assert models.resolve(model.id)
        assert model.owner == "anthropic"


async def test_names_with_the_prefix_are_listed_where_they_are_needed_and_allowed() -> None:
    name, other = "claude-code/sonnet", "claude-code/opus"

    async def names(
        defaults: ModeDefaults = DEFAULTS, dialect: DialectName = DialectName.CHAT, **rules: Any
    ) -> set[str]:
        found = await listing(modes=defaults).execute(rules=KeyRules(**rules), dialect=dialect)
        return {it.id for it in found}

    assert {name, other} < await names()
    of_messages = ModeDefaults(dialects={DialectName.MESSAGES: Mode.CLAUDE_CODE})
    assert {name, other} < await names(of_messages)
    for without in (
        await names(of_messages, DialectName.MESSAGES),
        await names(ModeDefaults(Mode.CLAUDE_CODE)),
        await names(mode="claude-code"),
        await names(modes=("openai-passthrough",)),
    ):
        assert not without & {name, other}
    assert await names(models=("sonnet",)) == {"sonnet", name}
    assert await names(models=(name,)) == {name}


async def test_a_model_with_the_prefix_is_found_as_without() -> None:
    models = listing()
    found = await models.find("claude-code/haiku")
    assert found is not None
    assert (found.id, found.owner) == ("claude-code/haiku", "anthropic")
    assert await models.find("claude-code/o1") is None
    assert await models.find("claude-code/haiku", rules=KeyRules(models=("haiku",))) == found
    assert await models.find("claude-code/haiku", rules=KeyRules(models=("opus",))) is None


async def test_a_model_is_dated_by_the_release_of_its_cli_model() -> None:
    rows = {"ours": "claude-opus-4-6", "gpt-9*": "claude-sonnet-4-6", "new": "claude-opus-99"}
    models = listing(models=ModelMap(rows, default="ours"))
    listed = {model.id: model.created for model in await models.execute()}
    named = {f"claude-code/{it}": listed.pop(f"claude-code/{it}") for it in ("ours", "new")}
    assert named == {"claude-code/ours": 1770249600, "claude-code/new": 0}
    assert listed == {"ours": 1770249600, "new": 0, "default": 1770249600}
    found = await models.find("gpt-9-mini")
    assert found is not None
    assert (found.created, found.owner) == (1771286400, "anthropic")


async def test_upstream_models_are_listed_last_and_without_duplicates() -> None:
    listed = await listing(Lists("sonnet", "gpt-9")).execute()
    assert (listed[-1].id, listed[-1].owner, listed[-1].created) == ("gpt-9", UPSTREAM.name, 7)
    assert listed[-1].details["size"] == 1
    assert [model.id for model in listed].count("sonnet") == 1


async def test_models_have_the_names_that_lead_to_their_upstream() -> None:
    default = replace(UPSTREAM, name="openai", models=("gpt-*", "o3"))
    other = replace(
        UPSTREAM,
        name="kimi",
        prefix="kimi",
        models=("gpt-kimi",),
        model_aliases={"our-coder": "k2"},
        credentials=(Credential("b", ApiKey("sk-b")),),
        capabilities=frozenset({Capability.TEXT}),
    )
    models = listing(Lists("gpt-9", "k2", "gpt-kimi", "claude-x"), upstreams=(default, other))
    listed = {it.id: it for it in await models.execute() if it.owner != "anthropic"}
    assert {name: it.owner for name, it in listed.items()} == {
        "o3": "openai",
        "gpt-9": "openai",
        "gpt-kimi": "kimi",
        "our-coder": "kimi",
        "kimi/gpt-9": "kimi",
        "kimi/k2": "kimi",
    } | {"kimi/claude-x": "kimi"}
    assert listed["our-coder"].created == 7
    assert listed["our-coder"].capabilities == (Capability.TEXT,)
    assert len(listed["gpt-9"].capabilities) == len(Capability)


async def test_a_claude_model_of_an_upstream_is_owned_by_anthropic() -> None:
    (found,) = (it for it in await listing(Lists("claude-z")).execute() if it.id == "claude-z")
    assert found.owner == "anthropic"


async def test_an_upstream_is_asked_with_a_usable_credential_and_without_one_not_at_all() -> None:
    lists = Lists()
    models = listing(lists)
    await models.execute()
    state = models.pools.states.of(CREDENTIAL)
    state.enabled = False
    await models.execute()
    assert lists.asked == [(UPSTREAM, CREDENTIAL), (UPSTREAM, None)]


async def test_a_failed_list_is_told_and_an_unknown_model_then_raises_it() -> None:
    error = BackendFailedError("x")
    told: list[GatewayError] = []
    models = listing(Lists("gpt-9", error=error))
    assert (await models.execute(failed=told.append))[-1].id == "gpt-9"
    assert told == [error]
    assert await models.find("gpt-9") is not None
    with pytest.raises(BackendFailedError):
        await models.find("gpt-8")


@pytest.mark.parametrize("upstreams", [(), (NO_KEY,)])
async def test_an_upstream_without_a_credential_is_not_asked(
    upstreams: tuple[Upstream, ...],
) -> None:
    lists = Lists("gpt-9")
    models = listing(lists, upstreams=upstreams, models=ModelMap())
    assert await models.execute() == await models.execute(include_upstream=False)
    assert await models.find("gpt-9") is None
    assert lists.asked == []


class Claude:
    def __init__(self, state: ClaudeHealth) -> None:
        self.status = lambda: state


@pytest.mark.parametrize(
    ("executable", "credentials", "passthrough", "own_keys"),
    list(itertools.product([True, False], CredentialState, PassthroughState, [True, False])),
)
def test_health_is_ready_if_at_least_one_backend_can_work(
    executable: bool,
    credentials: CredentialState,
    passthrough: PassthroughState,
    own_keys: bool,
) -> None:
    claude = ClaudeHealth(executable, credentials, Capacity(0, 0, 0, 0, 1))
    routes = Routes(upstreams=UPSTREAMS[passthrough], clients_may_bring_keys=own_keys)
    source = FakeConfigurationSource(routes=routes)
    health = CheckHealth(answering={CLAUDE: Claude(claude)}, configuration=source).execute()
    assert health.answering == {CLAUDE: claude}
    assert health.upstreams.keys() == {upstream.name for upstream in routes.upstreams}
    assert health.passthrough is passthrough
    claude_works = executable and credentials in {CredentialState.OK, CredentialState.LOGIN}
    passthrough_works = passthrough is PassthroughState.OK or (
        passthrough is PassthroughState.NO_KEY and own_keys
    )
    assert health.ready is (claude_works or passthrough_works)
