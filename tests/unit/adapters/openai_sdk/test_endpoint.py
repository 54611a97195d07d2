from dataclasses import replace

import pytest

from modegate.adapters.openai_sdk.endpoint import Endpoint, Endpoints
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.routing.upstream import Upstream, UpstreamKind

SERVER = Credential("server", ApiKey("sk-server"))
CLIENT = Credential(CLIENTS_OWN, ApiKey("sk-client"))
UPSTREAM = Upstream(name="openai", base_url="http://127.0.0.1:9/v1", credentials=(SERVER,))


class Known:
    def __init__(self, capacity: int = 256) -> None:
        self._endpoints = Endpoints(capacity)

    def of(self, credential: Credential, upstream: Upstream = UPSTREAM) -> Endpoint:
        return self._endpoints.of(upstream, credential)


def test_endpoints_of_different_keys_have_own_credentials_and_the_same_url() -> None:
    known = Known()
    server, client = known.of(SERVER), known.of(CLIENT)
    assert server.headers["Authorization"] == "Bearer sk-server"
    assert client.headers["Authorization"] == "Bearer sk-client"
    assert server.chat_completions == client.chat_completions
    assert str(server.chat_completions) == "http://127.0.0.1:9/v1/chat/completions"
    assert server.headers["Accept-Encoding"] == "identity"
    assert not any(name.lower().startswith("x-stainless") for name in server.headers)
    assert "sk-client" not in repr(client)


def test_the_servers_organization_is_not_sent_with_a_client_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-server")
    known = Known()
    server, client = known.of(SERVER), known.of(CLIENT)
    assert server.headers["OpenAI-Organization"] == "org-server"
    assert "OpenAI-Organization" not in client.headers
    same_key = known.of(Credential(CLIENTS_OWN, SERVER.key))
    assert same_key.headers["OpenAI-Organization"] == "org-server"
    elsewhere = known.of(SERVER, replace(UPSTREAM, name="kimi"))
    assert "OpenAI-Organization" not in elsewhere.headers


def test_a_header_of_the_upstream_replaces_one_in_other_case() -> None:
    headers = {"user-agent": "ours", "X-Team": "search"}
    found = Known().of(SERVER, replace(UPSTREAM, headers=headers)).headers
    assert {name: it for name, it in found.items() if name.lower() == "user-agent"} == {
        "user-agent": "ours"
    }
    assert found["X-Team"] == "search"


def test_each_upstream_has_its_own_address() -> None:
    known = Known()
    there = known.of(SERVER, Upstream(name="other", base_url="http://other.example/v1"))
    assert str(there.models) == "http://other.example/v1/models"
    assert str(known.of(SERVER).models) == "http://127.0.0.1:9/v1/models"


def test_endpoints_are_cached_per_key_with_lru_eviction() -> None:
    known = Known(capacity=2)
    second = Credential(CLIENTS_OWN, ApiKey("sk-second"))
    ours, first, other = known.of(SERVER), known.of(CLIENT), known.of(second)
    assert known.of(CLIENT) is first
    known.of(Credential(CLIENTS_OWN, ApiKey("sk-third")))
    assert known.of(CLIENT) is first
    assert known.of(second) is not other
    assert known.of(SERVER) is ours


def test_anthropics_api_gets_the_key_in_its_own_header() -> None:
    upstream = Upstream(
        name="claude",
        base_url="http://127.0.0.1:9/base",
        kind=UpstreamKind.ANTHROPIC,
        headers={"Anthropic-Version": "2026-01-01", "X-Team": "search"},
    )
    known = Known()
    there = known.of(SERVER, upstream)
    assert there.headers["x-api-key"] == "sk-server"
    assert there.headers["Anthropic-Version"] == "2026-01-01"
    assert there.headers["Accept-Encoding"] == "identity"
    names = [name.lower() for name in there.headers]
    assert len({*names}) == len(names)
    assert "authorization" not in names
    assert str(there.models) == "http://127.0.0.1:9/base/v1/models?limit=1000"
    own = known.of(CLIENT, replace(upstream, headers={}))
    assert own.headers["anthropic-version"] == "2023-06-01"
    other = known.of(CLIENT, replace(upstream, headers={}, kind=UpstreamKind.OPENAI))
    assert other.headers["Authorization"] == "Bearer sk-client"
