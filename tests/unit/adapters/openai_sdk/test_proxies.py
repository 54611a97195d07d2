import pytest
from yarl import URL

from modegate.adapters.openai_sdk.proxies import ProxyChoice, proxy_for
from modegate.adapters.openai_sdk.retries import is_transient
from modegate.domain.errors import Remedy, UpstreamUnreachableError

UPSTREAM = URL("https://api.openai.com/v1/")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_there_is_no_proxy_without_a_proxy_variable() -> None:
    assert proxy_for(UPSTREAM) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_for_the_upstreams_scheme_is_used(
    name: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"{scheme}user:secret@proxy.example:3128")
    assert proxy_for(UPSTREAM) == URL("http://user:secret@proxy.example:3128")


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PROXY", "http://proxy.example"), ("NO_PROXY", "openai.com"), ("NO_PROXY", "*")],
)
def test_a_proxy_for_other_schemes_or_excluded_hosts_is_not_used(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "NO_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv(name, value)
    assert proxy_for(UPSTREAM) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_no_proxy_is_used_for_loopback(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    assert proxy_for(URL(f"http://{host}:8000/v1/")) is None
    assert proxy_for(URL("http://192.0.2.1:8000/v1/")) is not None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address",
    ["socks://user:secret@127.0.0.1:1080/", "socks5://p.example", "http://", "http://p.example:x"],
)
def test_an_unusable_proxy_is_an_error_that_says_how_to_change_it(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, address)
    with pytest.raises(UpstreamUnreachableError) as caught:
        proxy_for(UPSTREAM)
    assert not is_transient(caught.value, 30)
    assert caught.value.remedies == (Remedy.CHANGE_UPSTREAM_PROXY,)
    assert "secret" not in str(caught.value)
    assert "p.example" not in str(caught.value)


def test_the_proxy_of_each_origin_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ProxyChoice()
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example")
    monkeypatch.setenv("HTTP_PROXY", "http://plain.example")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    expected = {
        URL("http://127.0.0.1:8000/v1"): None,
        UPSTREAM / "models": URL("http://secure.example"),
        UPSTREAM / "chat": URL("http://secure.example"),
        URL("http://other.example:8080/v1"): URL("http://plain.example"),
        URL("https://inside.example/v1"): None,
    }
    assert {url: proxies.of(url) for url in expected} == expected
    monkeypatch.setenv("HTTPS_PROXY", "http://late.example")
    assert {url: proxies.of(url) for url in expected} == expected


def test_an_unusable_proxy_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = ProxyChoice()
    monkeypatch.setenv("HTTPS_PROXY", "socks5://p.example")
    with pytest.raises(UpstreamUnreachableError):
        proxies.of(UPSTREAM)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    assert proxies.of(UPSTREAM) == URL("http://proxy.example")
