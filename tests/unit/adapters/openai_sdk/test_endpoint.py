import pytest

from modegate.adapters.openai_sdk.endpoint import Endpoints
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.domain.access.api_key import ApiKey

SERVER, CLIENT = ApiKey("sk-server"), ApiKey("sk-client")


def endpoints(key: ApiKey | None = SERVER, clients: int = 256) -> Endpoints:
    return Endpoints(
        UpstreamOptions(base_url="http://127.0.0.1:9/v1", api_key=key, clients=clients)
    )


def test_each_key_has_its_own_credentials_and_the_same_address() -> None:
    known = endpoints()
    server, client = known.of(None), known.of(CLIENT)
    assert server is not None
    assert client is not None
    assert server.headers["Authorization"] == "Bearer sk-server"
    assert client.headers["Authorization"] == "Bearer sk-client"
    assert server.chat_completions == client.chat_completions
    assert str(server.chat_completions) == "http://127.0.0.1:9/v1/chat/completions"
    assert server.headers["Accept-Encoding"] == "identity"
    assert not any(name.lower().startswith("x-stainless") for name in server.headers)
    assert "sk-client" not in repr(client)


def test_without_any_key_there_is_none() -> None:
    assert endpoints(None).of(None) is None
    assert endpoints(None).of(CLIENT) is not None


def test_the_servers_account_is_not_put_on_a_clients_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-server")
    known = endpoints()
    server, client = known.of(None), known.of(CLIENT)
    assert server is not None
    assert client is not None
    assert server.headers["OpenAI-Organization"] == "org-server"
    assert "OpenAI-Organization" not in client.headers


def test_one_is_made_a_key_and_the_least_recently_used_goes() -> None:
    known = endpoints(clients=2)
    first, second = known.of(None), known.of(CLIENT)
    assert known.of(None) is first
    known.of(ApiKey("sk-third"))
    assert known.of(None) is first
    assert known.of(CLIENT) is not second


def test_the_default_address_is_openais() -> None:
    endpoint = Endpoints(UpstreamOptions(api_key=SERVER)).of(None)
    assert endpoint is not None
    assert str(endpoint.models) == "https://api.openai.com/v1/models"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:1080/"),
        ("ALL_PROXY", "socks5://127.0.0.1:1080/"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1"),
        ("SSL_CERT_FILE", "/nonexistent/authorities.pem"),
    ],
)
def test_no_proxy_and_no_certificates_of_the_environment_are_looked_at(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert endpoints().of(CLIENT) is not None
