import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from modegate.application.check_health import CheckHealth
from modegate.application.list_models import ListModels
from modegate.domain.credentials.credential import Credential
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState, PassthroughState
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.route import CLAUDE, Routes
from modegate.domain.routing.upstream import Upstream
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.upstreams import CREDENTIAL, UPSTREAM

NO_KEY = replace(UPSTREAM, credentials=())
UPSTREAMS = {
    PassthroughState.OK: (UPSTREAM,),
    PassthroughState.NO_KEY: (NO_KEY,),
    PassthroughState.DISABLED: (),
}


class Catalog:
    def __init__(self) -> None:
        self.asked: list[tuple[Upstream, Credential]] = []

    async def list_models(
        self, upstream: Upstream, credential: Credential
    ) -> Sequence[Mapping[str, object]]:
        self.asked.append((upstream, credential))
        return [{"id": "gpt-4o"}, {"id": "gpt-9", "owned_by": "them"}]


async def test_every_listed_model_is_accepted() -> None:
    models = ModelMap()
    listed = await ListModels(FakeConfigurationSource(), Catalog()).execute()
    assert [model["id"] for model in listed] == list(models.names)
    for model in listed:
        assert models.resolve(str(model["id"]))
        assert model.keys() == {"id", "object", "created", "owned_by"}
        assert model["owned_by"] == "anthropic"


async def test_a_model_is_dated_by_the_release_of_its_cli_model() -> None:
    rows = {"ours": "claude-opus-4-6", "gpt-9*": "claude-sonnet-4-6", "new": "claude-opus-99"}
    source = FakeConfigurationSource(routes=Routes(models=ModelMap(rows, default="ours")))
    models = ListModels(source, Catalog())
    listed = {model["id"]: model["created"] for model in await models.execute()}
    assert listed == {"ours": 1770249600, "new": 0, "default": 1770249600}
    found = await models.find("gpt-9-mini")
    assert found is not None
    assert (found["created"], found["owned_by"]) == (1771286400, "anthropic")


async def test_upstream_models_are_listed_last_and_without_duplicates() -> None:
    listed = await ListModels(FakeConfigurationSource(), Catalog()).execute(include_upstream=True)
    assert listed[-1] == {"id": "gpt-9", "owned_by": "them"}
    assert [model["id"] for model in listed].count("gpt-4o") == 1


async def test_an_upstream_is_asked_with_the_servers_credential() -> None:
    catalog = Catalog()
    await ListModels(FakeConfigurationSource(), catalog).execute(include_upstream=True)
    assert catalog.asked == [(UPSTREAM, CREDENTIAL)]


@pytest.mark.parametrize("upstreams", [(), (NO_KEY,)])
async def test_an_upstream_without_a_credential_is_not_asked(
    upstreams: tuple[Upstream, ...],
) -> None:
    catalog = Catalog()
    models = ListModels(FakeConfigurationSource(routes=Routes(upstreams=upstreams)), catalog)
    assert await models.execute(include_upstream=True) == await models.execute()
    assert await models.find("gpt-9", include_upstream=True) is None
    assert catalog.asked == []


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
