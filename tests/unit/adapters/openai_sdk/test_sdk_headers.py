"""OpenAI's SDK is the authority on its headers and addresses; the gateway does not import it."""

from collections.abc import Mapping

import httpx2
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit
from yarl import URL

from modegate.adapters.openai_sdk.endpoint import Endpoint, endpoint_of
from modegate.adapters.openai_sdk.sdk_headers import ACCOUNT, CUSTOM_HEADERS
from modegate.adapters.openai_sdk.transport.routes import route_to, target_path
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.routing.upstream import Upstream
from modegate.domain.upstream_request import Target
from modegate.http_client.messages.route import Route

# What the gateway sends beside the SDK's headers.
OURS = {"accept-encoding": "identity"}
# All variables that the SDK reads where it has a key and an address. Only some of them matter.
VARIABLES = (
    *ACCOUNT.values(),
    CUSTOM_HEADERS,
    "OPENAI_ADMIN_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_WEBHOOK_SECRET",
)
# Nothing is sent through it; one of each SDK's own would read the system's authorities.
CLIENT = DefaultAsyncHttpxClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))
TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=12)
VISIBLE = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=40)
NAMES = [
    "API.example.com",
    "my_host",
    "m\u00fcnchen.example",
    "fa\u00df.example",
    "xn--mnchen-3ya.example",
]
HOST = st.sampled_from([*NAMES, "127.0.0.1", "[::1]", "[fe80::1%25eth0]", "[2001:DB8::0001]"])
PORT = st.sampled_from(["", ":80", ":443", ":8080", ":00080", ":"])
ODD = ["v1", ".", "..", "", "a%20b", "%2F", "%7Ex", "\u00fc", "a;b=1,2", "@:", "%zz", "[x]", "'"]
SEGMENT = st.one_of(TOKEN, st.sampled_from(ODD))
PATH = st.lists(SEGMENT, max_size=4).map(lambda it: "".join(f"/{segment}" for segment in it))
SLASH = st.sampled_from(["", "/"])
BASE_URLS = st.tuples(st.sampled_from(["http://", "https://", "HTTP://"]), HOST, PORT, PATH, SLASH)
# A known header in its own case: in another one, it is twice in the headers of the SDK's client.
LINES = st.sampled_from(
    [
        "X-Team: search",
        "X-Team:other:one",
        "User-Agent: theirs",
        "Authorization: Bearer other",
        "OpenAI-Organization: org-custom",
        "X-Stainless-Lang: none",
        "Accept: text/plain",
        " Spaced :  value \r",
        "no colon",
        "X-Empty:",
        "",
    ]
)
ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "OPENAI_ORG_ID": TOKEN | st.just(""),
        "OPENAI_PROJECT_ID": TOKEN,
        CUSTOM_HEADERS: st.lists(LINES, max_size=5).map("\n".join),
        "OPENAI_ADMIN_KEY": TOKEN,
        "OPENAI_API_KEY": TOKEN,
        "OPENAI_BASE_URL": st.just("https://elsewhere.example/v2"),
        "OPENAI_WEBHOOK_SECRET": TOKEN,
    },
)


def of_sdk(sdk: AsyncOpenAI) -> dict[str, str]:
    """Returns the SDK's headers by lower name, but those about its process."""
    headers: Mapping[str, str | Omit] = sdk.default_headers | sdk.auth_headers
    found = {name.lower(): it for name, it in headers.items() if not isinstance(it, Omit)}
    return {name: it for name, it in found.items() if not name.startswith("x-stainless")}


def ours(key: str, base_url: str, *, of_client: bool = False, name: str = "openai") -> Endpoint:
    servers = Credential("server", ApiKey("sk-server" if of_client else key))
    upstream = Upstream(name=name, base_url=base_url, credentials=(servers,))
    return endpoint_of(upstream, Credential(CLIENTS_OWN, ApiKey(key)) if of_client else servers)


def lowered(endpoint: Endpoint) -> dict[str, str]:
    """Returns the headers by lower name, each of which occurs once."""
    found = {name.lower(): value for name, value in endpoint.headers.items()}
    assert len(found) == len(endpoint.headers)
    return found


def test_a_header_of_the_environment_replaces_one_in_other_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = ("user-agent: ours", "OPENAI-PROJECT: p", "authorization: Basic abc")
    monkeypatch.setenv(CUSTOM_HEADERS, "\n".join(lines))
    monkeypatch.setenv("OPENAI_PROJECT_ID", "other")
    headers = lowered(ours("sk-x", "https://api.example.com/v1"))
    assert (headers["user-agent"], headers["openai-project"]) == ("ours", "p")
    assert headers["authorization"] == "Bearer sk-x"


def sent_to(url: URL) -> tuple[Route, str]:
    """Returns what a request has of its URL."""
    return route_to(url, None), url.raw_path_qs


@given(key=VISIBLE, environment=ENVIRONMENTS)
@example(key="sk-x", environment={})
def test_the_headers_are_those_of_the_installed_sdk(key: str, environment: dict[str, str]) -> None:
    url = "https://api.example.com/v1"
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        sdk = AsyncOpenAI(api_key=key, base_url=url, http_client=CLIENT)
        theirs = of_sdk(sdk)
        account = {name.lower() for name in ACCOUNT}
        without = {name: it for name, it in theirs.items() if name not in account}
        assert lowered(ours(key, url)) == theirs | OURS
        assert lowered(ours(key, url, name="kimi")) == without | OURS
        assert lowered(ours(key, url, of_client=True)) == without | OURS


@given(parts=BASE_URLS)
@example(parts=("https://", "api.openai.com", "", "/v1", ""))
@example(parts=("http://", "127.0.0.1", ":11434", "/v1", "/"))
def test_the_addresses_are_those_of_the_installed_sdk(parts: tuple[str, ...]) -> None:
    path = parts[3] + parts[4]
    # The SDK loses an empty segment before a last `.` or `..`, which RFC 3986 keeps.
    assume("//" not in path or "/." not in path)
    base_url = "".join(parts)
    endpoint = ours("sk-x", base_url)
    theirs = URL(str(AsyncOpenAI(api_key="sk-x", base_url=base_url, http_client=CLIENT).base_url))
    assert sent_to(endpoint.chat_completions) == sent_to(theirs / "chat/completions")
    assert sent_to(endpoint.models) == sent_to(theirs / "models")
    target = Target(method="POST", path="/chat/completions")
    assert target_path(endpoint.base, target) == target_path(theirs, target)
    assert route_to(endpoint.base, None) == route_to(theirs, None)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:11434/v1/",
        "http://[::1]:8080",
        "http://[fe80::1%25eth0]:8080/a%20b/\u00fc/",
        "https://API.example.com:443/openai//v1",
    ],
)
async def test_requests_of_the_sdk_have_these_addresses_and_headers(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={})

    client = DefaultAsyncHttpxClient(transport=httpx2.MockTransport(answer))
    async with AsyncOpenAI(api_key="sk-x", base_url=base_url, http_client=client) as sdk:
        await sdk.chat.completions.with_raw_response.create(model="m", messages=[])
        await sdk.models.with_raw_response.list()
    endpoint = ours("sk-x", base_url)
    chat, models = sent
    addresses = [sent_to(endpoint.chat_completions), sent_to(endpoint.models)]
    assert [sent_to(URL(str(it.url))) for it in sent] == addresses
    own = OURS.keys()
    for name, value in endpoint.headers.items():
        assert name.lower() in own or chat.headers[name] == value
        assert name.lower() in {*own, "content-type"} or models.headers[name] == value
    at_httpx = {"host", "connection", "content-length", "accept-encoding"}
    more = {name for name in chat.headers if not name.startswith("x-stainless")} - at_httpx
    assert more == {name.lower() for name in endpoint.headers} - own
