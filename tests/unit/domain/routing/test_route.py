from dataclasses import replace

import pytest

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.errors import (
    GatewayError,
    InvalidHeaderError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
)
from modegate.domain.health import UpstreamHealth
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.routing.model_map import ModelMap
from modegate.domain.routing.route import ClaudeRoute, RelayRoute, Routes
from modegate.domain.routing.upstream import Upstream

SERVERS = Credential("env", ApiKey("sk-server"))
UPSTREAM = Upstream(name="openai", base_url="http://127.0.0.1:9/v1", credentials=(SERVERS,))
WITHOUT_KEY = replace(UPSTREAM, credentials=())
CLAUDE_CODE = ModeDecision(Mode.CLAUDE_CODE, "a session")
PASSTHROUGH = ModeDecision(Mode.PASSTHROUGH)


def routes(*upstreams: Upstream, own_keys: bool = True) -> Routes:
    return Routes(upstreams=upstreams, clients_may_bring_keys=own_keys)


@pytest.mark.parametrize("configured", [routes(), routes(UPSTREAM), routes(WITHOUT_KEY)])
@pytest.mark.parametrize("own_key", [None, "sk-own", "not a key"])
def test_claude_code_needs_no_upstream_and_ignores_a_key_for_one(
    configured: Routes, own_key: str | None
) -> None:
    expected = ClaudeRoute(configured.models, "a session")
    assert configured.resolve(CLAUDE_CODE, own_key) == expected


def test_a_claude_route_has_the_configured_models() -> None:
    models = ModelMap({"ours": "opus"}, default="ours")
    route = Routes(models=models).resolve(CLAUDE_CODE)
    assert isinstance(route, ClaudeRoute)
    assert route.models.resolve("ours") == "opus"


def test_passthrough_uses_the_servers_credential() -> None:
    assert routes(UPSTREAM).resolve(PASSTHROUGH) == RelayRoute(UPSTREAM)


@pytest.mark.parametrize("upstream", [UPSTREAM, WITHOUT_KEY])
def test_a_clients_own_key_is_used_in_place_of_the_servers(upstream: Upstream) -> None:
    own = Credential(CLIENTS_OWN, ApiKey("sk-own"))
    assert routes(upstream).resolve(PASSTHROUGH, "sk-own") == RelayRoute(upstream, own=own)


@pytest.mark.parametrize("own_key", ["sk-own", "not a key"])
def test_a_clients_own_key_is_ignored_where_it_may_not_bring_one(own_key: str) -> None:
    configured = routes(UPSTREAM, own_keys=False)
    assert configured.resolve(PASSTHROUGH, own_key) == RelayRoute(UPSTREAM)


@pytest.mark.parametrize(
    ("configured", "own_key", "error"),
    [
        (routes(), None, PassthroughDisabledError),
        (routes(), "sk-own", PassthroughDisabledError),
        (routes(own_keys=False), "not a key", PassthroughDisabledError),
        (routes(WITHOUT_KEY), None, PassthroughNotConfiguredError),
        (routes(WITHOUT_KEY, own_keys=False), "sk-own", PassthroughNotConfiguredError),
        (routes(UPSTREAM), "not a key", InvalidHeaderError),
        (routes(), "not a key", InvalidHeaderError),
    ],
)
def test_a_request_without_a_route_is_an_error(
    configured: Routes, own_key: str | None, error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        configured.resolve(PASSTHROUGH, own_key)


@pytest.mark.parametrize(
    ("configured", "can_work"),
    [
        (routes(UPSTREAM), True),
        (routes(UPSTREAM, own_keys=False), True),
        (routes(WITHOUT_KEY), True),
        (routes(WITHOUT_KEY, own_keys=False), False),
    ],
)
def test_the_health_of_an_upstream_says_whether_any_client_can_use_it(
    configured: Routes, can_work: bool
) -> None:
    (upstream,) = configured.upstreams
    health = configured.health()
    assert health == {
        "openai": UpstreamHealth(
            has_credential=upstream.credential is not None,
            accepts_client_keys=configured.clients_may_bring_keys,
        )
    }
    assert health["openai"].can_work is can_work


def test_no_route_shows_a_secret() -> None:
    for own_key in (None, "sk-own-secret-key-1234567890"):
        route = routes(UPSTREAM).resolve(PASSTHROUGH, own_key)
        assert "sk-" not in repr(route)
