"""`/v1/messages` in passthrough to an upstream of Anthropic's kind: bytes both ways."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from anthropic._constants import ANTHROPIC_API_VERSION
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import until

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.request_log import RequestLog, fields_of
from modegate.simulator.api import Fails, Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

HI: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "claude-sonnet-5-5", "max_tokens": 99, "messages": HI}
EVENTS = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


class Relay:
    """A gateway with the upstreams `claude`, the default, and `other` of OpenAI's kind."""

    def __init__(self, gateway: Gateway, upstream: SimulatedProvider) -> None:
        self.gateway = gateway
        self.http = gateway.http
        self.upstream = upstream

    @property
    def asked(self) -> Request:
        return self.upstream.requests[-1]


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[RequestRecord]:
    """The records of requests that have ended."""
    found: list[RequestRecord] = []
    monkeypatch.setattr(RequestLog, "observe", lambda _, record: found.append(record))
    return found


@asynccontextmanager
async def relaying(gateway: GatewayFactory, **table: Any) -> AsyncIterator[Relay]:
    provider = SimulatedProvider()
    async with provider.running() as url:
        tables = {
            "claude": {
                "kind": "anthropic",
                "base_url": url,
                "credentials": [{"id": "a", "key": "sk-a"}, {"id": "b", "key": "sk-b"}],
                "model_aliases": {"our-claude": "claude-sonnet-5-5"},
                "prefix": "anthropic",
                **table,
            },
            "other": {
                "base_url": f"{url}/v1",
                "credentials": [{"id": "o", "key": "sk-o"}],
                "models": ["gpt-*"],
            },
        }
        settings: Any = {"upstreams": tables, "default_upstream": "claude"}
        async with gateway(**settings, upstream_max_retries=0) as running:
            yield Relay(running, provider)


@pytest.fixture
async def relay(gateway: GatewayFactory) -> AsyncIterator[Relay]:
    async with relaying(gateway) as running:
        yield running


async def test_the_sdk_gets_the_upstreams_own_messages(relay: Relay) -> None:
    relay.upstream.script(Says("Hello there.", headers={"request-id": "req_1"}), Says("one two"))
    async with anthropic.AsyncAnthropic(
        base_url=relay.gateway.url, api_key="unused", max_retries=0
    ) as sdk:
        response = await sdk.messages.with_raw_response.create(
            model="claude-sonnet-5-5", max_tokens=99, messages=HI
        )
        assert (await response.parse()).content[0].text == "Hello there."  # type: ignore[union-attr]
        assert response.headers["x-backend-mode"] == "openai-passthrough"
        asked = relay.asked.headers
        assert (asked["x-api-key"], asked["anthropic-version"]) == ("sk-a", ANTHROPIC_API_VERSION)
        assert "authorization" not in asked
        async with sdk.beta.messages.stream(
            model="our-claude",
            max_tokens=99,
            messages=[{"role": "user", "content": "Hi"}],
            betas=["one-2026-01-01"],
        ) as stream:
            message = await stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == 2
    assert relay.asked.path == "/v1/messages"
    assert relay.asked.headers["anthropic-beta"] == "one-2026-01-01"
    assert relay.asked.json["model"] == "claude-sonnet-5-5"


async def test_bytes_pass_as_they_came_but_for_an_alias(relay: Relay) -> None:
    answer = b'{ "type":"message" , "x": "\\u00e9" }'

    async def whole(_: Request, reply: Reply) -> None:
        await reply.whole(200, answer, JSON | {"request-id": "req_7", "x-other": "1"})

    content = b'{ "model":"%b",  "max_tokens": 1, "messages":[{"role":"user","content":"\\u00e9"}]}'
    for model, sent in ((b"our-claude", b"claude-sonnet-5-5"), (b"claude-x", b"claude-x")):
        relay.upstream.script(whole)
        headers = JSON | {"anthropic-version": "2026-01-01", "x-other": "1"}
        response = await relay.http.post("/v1/messages", content=content % model, headers=headers)
        assert response.content == answer
        assert response.headers["request-id"] == "req_7"
        assert "x-other" not in response.headers
        assert relay.asked.body == content % sent
        assert relay.asked.headers["anthropic-version"] == "2026-01-01"
        assert relay.asked.headers["x-api-key"] == "sk-a"
        assert "x-other" not in relay.asked.headers


async def test_a_stream_passes_as_it_came_and_its_usage_is_recorded(
    relay: Relay, records: list[RequestRecord]
) -> None:
    relay.upstream.script(Says("one two three", thinking="Hm.", input_tokens=7, cached_tokens=5))
    response = await relay.http.post("/v1/messages", json=BODY | {"stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    names = [it.partition("\n")[0] for it in response.text.strip().split("\n\n")]
    assert (names[0], names[-1]) == ("event: message_start", "event: message_stop")
    assert '"signature": "c2ln"' in response.text
    await until(lambda: len(records) == 1)
    assert records[0].usage == Usage(12, 3, 5)
    assert records[0].used_model == "claude-sonnet-5-5"
    relay.upstream.script(Says("one two", input_tokens=7, cached_tokens=5))
    await relay.http.post("/v1/messages", json=BODY)
    assert relay.asked.headers["anthropic-version"] == "2023-06-01"
    await until(lambda: len(records) == 2)
    assert records[1].usage == Usage(12, 1, 5)


async def test_a_stream_that_is_cut_ends_with_anthropics_error_event(
    relay: Relay, records: list[RequestRecord]
) -> None:
    relay.upstream.script(Says("one two three", cut_after=2))
    response = await relay.http.post("/v1/messages", json=BODY | {"stream": True})
    last = response.text.strip().split("\n\n")[-1]
    assert last.startswith("event: error\n")
    assert json.loads(last.partition("data: ")[2])["error"]["type"] == "api_error"
    await until(lambda: len(records) == 1)
    assert records[0].error == "upstream_invalid_response"
    assert records[0].usage is not None
    assert records[0].usage.estimated


@pytest.mark.parametrize(
    ("status", "kind", "headers"),
    [
        (400, "invalid_request_error", {}),
        (404, "not_found_error", {}),
        (429, "rate_limit_error", {"retry-after": "7"}),
        (529, "overloaded_error", {}),
    ],
)
async def test_an_error_of_the_upstream_is_relayed(
    gateway: GatewayFactory, status: int, kind: str, headers: dict[str, str]
) -> None:
    async with relaying(gateway, credentials=[{"id": "a", "key": "sk-a"}]) as relay:
        relay.upstream.script(Fails(status, "Why.", headers=headers))
        response = await relay.http.post("/v1/messages", json=BODY)
    assert response.status_code == status
    assert response.json() == {"type": "error", "error": {"type": kind, "message": "Why."}}
    assert response.headers["request-id"] == response.headers["x-request-id"]
    assert response.headers.get("retry-after") == headers.get("retry-after")


@pytest.mark.parametrize(
    ("header", "body", "shown"),
    [
        ({"request-id": "req_1"}, {"request_id": "req_1"}, "req_1"),
        ({}, {"request_id": "req_2"}, "req_2"),
        ({"request-id": "req_3"}, {}, "req_3"),
        ({}, {}, "own"),
        ({}, {"request_id": "two words\r\n"}, "own"),
        ({}, {"request_id": 7}, "own"),
    ],
)
async def test_an_errors_id_is_that_of_its_body_and_in_the_log(
    relay: Relay,
    records: list[RequestRecord],
    header: dict[str, str],
    body: dict[str, object],
    shown: str,
) -> None:
    error = {"type": "error", "error": {"type": "api_error", "message": "Why."}, **body}

    async def whole(_: Request, reply: Reply) -> None:
        await reply.whole(400, json.dumps(error).encode(), JSON | header)

    relay.upstream.script(whole)
    async with anthropic.AsyncAnthropic(
        base_url=relay.gateway.url,
        api_key="unused",
        max_retries=0,
        default_headers={"X-Request-ID": "own"},
    ) as sdk:
        with pytest.raises(anthropic.BadRequestError) as caught:
            await sdk.messages.create(model="claude-sonnet-5-5", max_tokens=9, messages=HI)
    assert caught.value.request_id == shown
    assert caught.value.body == error
    assert caught.value.response.headers["x-request-id"] == "own"
    await until(lambda: len(records) == 1)
    logged = fields_of(records[0])
    assert logged["request_id"] == "own"
    assert logged.get("upstream_request_id", "own") == shown


async def test_the_id_of_an_answer_is_in_the_log(
    relay: Relay, records: list[RequestRecord]
) -> None:
    relay.upstream.script(Says("Hello there.", headers={"request-id": "req_1"}))
    await relay.http.post("/v1/messages", json=BODY | {"stream": True})
    await until(lambda: len(records) == 1)
    assert fields_of(records[0])["upstream_request_id"] == "req_1"


async def test_a_translated_error_has_the_gateways_id(relay: Relay) -> None:
    relay.upstream.script(Fails(400, "Why.", headers={"request-id": "req_other"}))
    response = await relay.http.post("/v1/messages", json=BODY | {"model": "gpt-5"})
    own = response.headers["x-request-id"]
    assert response.headers["request-id"] == response.json()["request_id"] == own
    assert response.headers["x-upstream-request-id"] == "req_other"


@pytest.mark.parametrize("status", [401, 403, 429, 529])
async def test_the_next_credential_is_used(relay: Relay, status: int) -> None:
    relay.upstream.script(Fails(status), Says("Hello."))
    response = await relay.http.post("/v1/messages", json=BODY)
    assert response.status_code == 200
    assert [it.headers["x-api-key"] for it in relay.upstream.requests] == ["sk-a", "sk-b"]


async def test_a_clients_own_key_goes_to_the_default_upstream(relay: Relay) -> None:
    own = {"X-OpenAI-API-Key": "sk-own"}
    relay.upstream.script(Fails(401, "No."))
    response = await relay.http.post("/v1/messages", json=BODY, headers=own)
    assert response.status_code == 401
    assert relay.asked.headers["x-api-key"] == "sk-own"


async def test_tokens_are_counted_by_the_upstream(relay: Relay) -> None:
    body = {"model": "anthropic/claude-sonnet-5-5", "messages": HI}
    response = await relay.http.post("/v1/messages/count_tokens?beta=true", json=body)
    assert response.json() == {"input_tokens": len(relay.asked.body)}
    assert "x-usage-estimated" not in response.headers
    assert relay.asked.path == "/v1/messages/count_tokens?beta=true"
    assert relay.asked.json["model"] == "claude-sonnet-5-5"


async def test_the_gateways_own_errors_have_anthropics_form(relay: Relay) -> None:
    for content, status in ((b"{", 400), (b'{"model": ""}', 400)):
        response = await relay.http.post("/v1/messages", content=content, headers=JSON)
        assert response.status_code == status
        assert response.json()["type"] == "error"
        assert response.json()["request_id"] == response.headers["request-id"]
    assert not relay.upstream.requests


async def test_other_operations_need_another_kind(relay: Relay) -> None:
    body = {"model": "claude-sonnet-5-5", "input": "Hi"}
    response = await relay.http.post("/v1/embeddings", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported_endpoint")


async def test_claude_code_mode_is_as_before(relay: Relay) -> None:
    response = await relay.http.post("/v1/messages", json={"model": "gpt-9"}, headers=CLAUDE)
    assert response.status_code == 400
    assert not relay.upstream.requests


async def test_its_models_are_listed_by_the_names_that_lead_there(gateway: GatewayFactory) -> None:
    async with relaying(gateway, models=["claude-*"]) as relay:
        listed = (await relay.http.get("/v1/models")).json()["data"]
    found = {it["id"]: it for it in listed}
    assert found["claude-simulated"]["created"] == 1790553600
    assert found["our-claude"]["capabilities"]
    asked = next(it for it in relay.upstream.requests if "x-api-key" in it.headers)
    assert asked.path == "/v1/models?limit=1000"
