import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import InvalidHeaderError, ModelNotFoundError
from modegate.domain.routing.mode import RELAYED
from modegate.domain.routing.route import RelayRoute, Routes
from modegate.domain.routing.upstream import Upstream
from modegate.domain.routing.upstream_table import UpstreamTable


def upstream(name: str, *models: str, prefix: str | None = None, **aliases: str) -> Upstream:
    return Upstream(
        name=name,
        base_url=f"http://{name}.example/v1",
        credentials=(Credential(f"of-{name}", ApiKey("sk-test")),),
        models=models,
        prefix=prefix,
        model_aliases=aliases,
    )


OPENAI = upstream("openai", "gpt-*", "o*")
KIMI = upstream("kimi", "kimi-*", prefix="kimi", our_coder="kimi-k2-0905")
OTHER = upstream("other", "gpt-4o-mini", "gpt-5*", "kimi-k2-special*")
OPEN_DEFAULT = upstream("open")


def found(model: str | None, default: Upstream = OPEN_DEFAULT) -> tuple[str, str | None]:
    table = UpstreamTable((OPENAI, KIMI, OTHER, OPEN_DEFAULT), default)
    destination = table.find(model)
    return destination.upstream.name, destination.model


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", ("openai", "gpt-4o")),
        ("gpt-4o-mini", ("other", "gpt-4o-mini")),
        ("gpt-5.1", ("other", "gpt-5.1")),
        ("o", ("openai", "o")),
        ("kimi-k2", ("kimi", "kimi-k2")),
        ("kimi-k2-special-1", ("other", "kimi-k2-special-1")),
        ("our_coder", ("kimi", "kimi-k2-0905")),
        ("kimi/kimi-k2", ("kimi", "kimi-k2")),
        ("kimi/vendor/model", ("kimi", "vendor/model")),
        ("kimi/our_coder", ("kimi", "kimi-k2-0905")),
        ("kimi/", ("open", "kimi/")),
        ("kimi", ("open", "kimi")),
        ("unknown/model", ("open", "unknown/model")),
        ("", ("open", "")),
        (None, ("open", None)),
    ],
)
def test_a_model_goes_to_the_upstream_that_names_it_most_exactly(
    model: str | None, expected: tuple[str, str | None]
) -> None:
    assert found(model) == expected


def test_a_default_with_models_refuses_others_and_names_what_is_served() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        found("mistral", default=OPENAI)
    assert caught.value.param == "model"
    assert {"gpt-*", "kimi-*", "our_coder", "kimi/*", "gpt-4o-mini"} <= set(caught.value.models)
    assert found(None, default=OPENAI) == ("openai", None)


def test_a_clients_own_key_goes_to_the_default_upstream_only() -> None:
    routes = Routes(upstreams=(KIMI, OPENAI), default_upstream="openai")
    route = routes.resolve(RELAYED, "sk-own", "gpt-4o")
    assert isinstance(route, RelayRoute)
    assert (route.upstream, route.own and route.own.key) == (OPENAI, ApiKey("sk-own"))
    with pytest.raises(InvalidHeaderError, match="openai"):
        routes.resolve(RELAYED, "sk-own", "kimi-k2")


def test_an_unknown_default_is_an_error() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Routes(upstreams=(OPENAI,), default_upstream="nowhere")
