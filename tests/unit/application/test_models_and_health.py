import itertools
from collections.abc import Mapping, Sequence

import pytest

from modegate.application.check_health import CheckHealth
from modegate.application.list_models import ListModels
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState, PassthroughState
from modegate.domain.routing.model_map import ModelMap
from modegate.testing.configuration_source import FakeConfigurationSource


class Upstream:
    async def list_models(self) -> Sequence[Mapping[str, object]]:
        return [{"id": "gpt-4o"}, {"id": "gpt-9", "owned_by": "them"}]


async def test_every_listed_model_is_accepted() -> None:
    models = ModelMap()
    listed = await ListModels(FakeConfigurationSource(), Upstream()).execute()
    assert [model["id"] for model in listed] == list(models.names)
    for model in listed:
        assert models.resolve(str(model["id"]))
        assert model.keys() == {"id", "object", "created", "owned_by"}
        assert model["owned_by"] == "anthropic"


async def test_a_model_has_the_date_of_the_one_that_answers() -> None:
    rows = {"ours": "claude-opus-4-6", "gpt-9*": "claude-sonnet-4-6", "new": "claude-opus-99"}
    source = FakeConfigurationSource(models=ModelMap(rows, default="ours"))
    models = ListModels(source, Upstream())
    listed = {model["id"]: model["created"] for model in await models.execute()}
    assert listed == {"ours": 1770249600, "new": 0, "default": 1770249600}
    found = await models.find("gpt-9-mini")
    assert found is not None
    assert (found["created"], found["owned_by"]) == (1771286400, "anthropic")


async def test_the_upstreams_own_come_behind_and_no_name_twice() -> None:
    listed = await ListModels(FakeConfigurationSource(), Upstream()).execute(include_upstream=True)
    assert listed[-1] == {"id": "gpt-9", "owned_by": "them"}
    assert [model["id"] for model in listed].count("gpt-4o") == 1


class Claude:
    def __init__(self, state: ClaudeHealth) -> None:
        self.status = lambda: state


class Passthrough:
    def __init__(self, state: PassthroughState) -> None:
        self.status = lambda: state


@pytest.mark.parametrize(
    ("executable", "credentials", "passthrough", "own_keys"),
    list(itertools.product([True, False], CredentialState, PassthroughState, [True, False])),
)
def test_ready_where_at_least_one_backend_can_work(
    executable: bool,
    credentials: CredentialState,
    passthrough: PassthroughState,
    own_keys: bool,
) -> None:
    claude = ClaudeHealth(executable, credentials, Capacity(0, 0, 0, 0, 1))
    configuration = FakeConfigurationSource(clients_may_bring_keys=own_keys)
    health = CheckHealth(Claude(claude), Passthrough(passthrough), configuration).execute()
    claude_works = executable and credentials in {CredentialState.OK, CredentialState.LOGIN}
    passthrough_works = passthrough is PassthroughState.OK or (
        passthrough is PassthroughState.NO_KEY and own_keys
    )
    assert health.ready is (claude_works or passthrough_works)
