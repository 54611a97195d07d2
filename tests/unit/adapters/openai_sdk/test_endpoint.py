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

    async def of(self, credential: Credential, upstream: Upstream = UPSTREAM) -> Endpoint:
        return await self._endpoints.of(upstream, credential)


async def test_endpoints_of_different_keys_have_own_credentials_and_the_same_url() -> None:
    known = Known()
    server, client = await known.of(SERVER), await known.of(CLIENT)
    assert server.headers["Authorization"] == "Bearer sk-server"
    assert client.headers["Authorization"] == "Bearer sk-client"
    assert server.chat_completions == client.chat_completions
    assert str(server.chat_completions) == "http://127.0.0.1:9/v1/chat/completions"
    assert server.headers["Accept-Encoding"] == "identity"
    assert not any(name.lower().startswith("x-stainless") for name in server.headers)
    assert "sk-client" not in repr(client)


async def test_the_servers_organization_is_not_sent_with_a_client_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-server")
    known = Known()
    server, client = await known.of(SERVER), await known.of(CLIENT)
    assert server.headers["OpenAI-Organization"] == "org-server"
    assert "OpenAI-Organization" not in client.headers
    same_key = await known.of(Credential(CLIENTS_OWN, SERVER.key))
    assert same_key.headers["OpenAI-Organization"] == "org-server"
    elsewhere = await known.of(SERVER, replace(UPSTREAM, name="kimi"))
    assert "OpenAI-Organization" not in elsewhere.headers


async def test_a_header_of_the_upstream_replaces_one_in_other_case() -> None:
    headers = {"user-agent": "ours", "X-Team": "search"}
    found = (await Known().of(SERVER, replace(UPSTREAM, headers=headers))).headers
    assert {name: it for name, it in found.items() if name.lower() == "user-agent"} == {
        "user-agent": "ours"
    }
    assert found["X-Team"] == "search"


async def test_each_upstream_has_its_own_address() -> None:
    known = Known()
    there = await known.of(SERVER, Upstream(name="other", base_url="http://other.example/v1"))
    assert str(there.models) == "http://other.example/v1/models"
    assert str((await known.of(SERVER)).models) == "http://127.0.0.1:9/v1/models"


async def test_endpoints_are_cached_per_key_with_lru_eviction() -> None:
    known = Known(capacity=2)
    second = Credential(CLIENTS_OWN, ApiKey("sk-second"))
    ours, first, other = await known.of(SERVER), await known.of(CLIENT), await known.of(second)
    assert await known.of(CLIENT) is first
    await known.of(Credential(CLIENTS_OWN, ApiKey("sk-third")))
    assert await known.of(CLIENT) is first
    assert await known.of(second) is not other
    assert await known.of(SERVER) is ours


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:1080/"),
        ("ALL_PROXY", "socks5://127.0.0.1:1080/"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1"),
        ("SSL_CERT_FILE", "/nonexistent/authorities.pem"),
    ],
)
async def test_endpoints_ignore_proxies_and_certificates_of_the_environment(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert (await Known().of(CLIENT)).headers


async def test_anthropics_api_gets_the_key_in_its_own_header() -> None:
    upstream = Upstream(
        name="claude",
        base_url="http://127.0.0.1:9/base",
        kind=UpstreamKind.ANTHROPIC,
        headers={"Anthropic-Version": "2026-01-01", "X-Team": "search"},
    )
    known = Known()
    there = await known.of(SERVER, upstream)
    assert there.headers["x-api-key"] == "sk-server"
    assert there.headers["Anthropic-Version"] == "2026-01-01"
    assert there.headers["Accept-Encoding"] == "identity"
    names = [name.lower() for name in there.headers]
    assert len({*names}) == len(names)
    assert "authorization" not in names
    assert str(there.models) == "http://127.0.0.1:9/base/v1/models?limit=1000"
    own = await known.of(CLIENT, replace(upstream, headers={}))
    assert own.headers["anthropic-version"] == "2023-06-01"
    other = await known.of(CLIENT, replace(upstream, headers={}, kind=UpstreamKind.OPENAI))
    assert other.headers["Authorization"] == "Bearer sk-client"
