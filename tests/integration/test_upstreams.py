"""Two upstreams behind a running gateway: routing, key files, a client's own key."""

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import until

from modegate.entrypoints.bootstrap import key_file_watch
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

ANSWER = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}'


class Two:
    """A gateway with the upstreams `openai`, the default, and `kimi`."""

    def __init__(self, gateway: GatewayFactory) -> None:
        self.gateway = gateway
        self.rejected: set[str] = set()
        self.openai = LoopbackServer(self.answer)
        self.kimi = LoopbackServer(self.answer)

    async def answer(self, request: Request, reply: Reply) -> None:
        status = 401 if request.headers["authorization"] in self.rejected else 200
        await reply.whole(status, ANSWER, {"content-type": "application/json"})

    @asynccontextmanager
    async def running(
        self, openai: Any = None, kimi: Any = None, **settings: Any
    ) -> AsyncIterator[Gateway]:
        async with self.openai.running() as first, self.kimi.running() as second:
            tables = {
                "openai": {
                    "base_url": f"{first}/v1",
                    "credentials": [{"id": "o", "key": "sk-o"}],
                    **(openai or {}),
                },
                "kimi": {
                    "base_url": f"{second}/v1",
                    "credentials": [{"id": "k", "key": "sk-k"}],
                    "models": ["kimi-exact", "gpt-5-kimi*"],
                    "model_aliases": {"our-coder": "kimi-k2-0905"},
                    "prefix": "kimi",
                    "headers": {"X-Team": "search"},
                    "drop_params": ["store"],
                    **(kimi or {}),
                },
            }
            async with self._start(upstreams=tables, **settings) as running:
                yield running

    def _start(self, **settings: Any) -> AbstractAsyncContextManager[Gateway]:
        return self.gateway(**({"upstream_max_retries": 0} | settings))

    def asked(self) -> list[tuple[str, object, str]]:
        """The requests that arrived: the upstream, the model and the key."""
        named = (("openai", self.openai), ("kimi", self.kimi))
        return [
            (name, request.json["model"], request.headers["authorization"].removeprefix("Bearer "))
            for name, server in named
            for request in server.requests
        ]


@pytest.fixture
def two(gateway: GatewayFactory) -> Two:
    return Two(gateway)


@pytest.mark.parametrize(
    ("model", "upstream", "known_as"),
    [
        ("kimi-exact", "kimi", "kimi-exact"),
        ("our-coder", "kimi", "kimi-k2-0905"),
        ("gpt-5-kimi-large", "kimi", "gpt-5-kimi-large"),
        ("gpt-5-mini", "openai", "gpt-5-mini"),
        ("kimi/some/model", "kimi", "some/model"),
        ("kimi/our-coder", "kimi", "kimi-k2-0905"),
        ("other/model", "openai", "other/model"),
        ("unknown", "openai", "unknown"),
    ],
)
async def test_a_model_goes_to_its_upstream_under_the_name_it_has_there(
    model: str, upstream: str, known_as: str, two: Two
) -> None:
    async with two.running(openai={"models": ["gpt-*"]} if model.startswith("gpt") else {}) as it:
        response = await it.chat(model)
    assert (response.status_code, response.content) == (200, ANSWER)
    assert two.asked() == [(upstream, known_as, f"sk-{upstream[0]}")]


async def test_an_unknown_model_is_an_error_if_the_default_upstream_lists_models(two: Two) -> None:
    async with two.running(openai={"models": ["gpt-*"]}) as gateway:
        response = await gateway.chat("unknown")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "model_not_found")
    for name in ("gpt-*", "kimi-exact", "our-coder", "kimi/*"):
        assert name in error["message"]
    assert two.asked() == []


async def test_headers_are_added_and_parameters_dropped_for_their_upstream_only(two: Two) -> None:
    async with two.running() as gateway:
        for model in ("kimi-exact", "gpt-4o"):
            assert (await gateway.chat(model, store=True)).status_code == 200
    (kimi,), (openai,) = two.kimi.requests, two.openai.requests
    assert (kimi.headers.get("x-team"), "store" in kimi.json) == ("search", False)
    assert (openai.headers.get("x-team"), "store" in openai.json) == (None, True)


@pytest.mark.parametrize("default", [None, "kimi"])
async def test_a_clients_own_key_goes_to_the_default_upstream_only(
    default: str | None, two: Two
) -> None:
    name = default or "openai"
    own = {"X-OpenAI-API-Key": "sk-own"}
    elsewhere = "kimi-exact" if name == "openai" else "gpt-4o"
    tables: dict[str, Any] = {"openai": {"models": ["gpt-*"]}} if default else {}
    async with two.running(default_upstream=default, **tables) as gateway:
        used = await gateway.chat("kimi-exact" if default else "gpt-4o", headers=own)
        refused = await gateway.chat(elsewhere, headers=own)
    assert used.status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_header_value")
    assert "X-OpenAI-API-Key" in refused.json()["error"]["message"]
    assert [(upstream, key) for upstream, _, key in two.asked()] == [(name, "sk-own")]


async def test_the_variables_for_openai_work_beside_tables(
    two: Two, gateway: GatewayFactory
) -> None:
    async with two.openai.running() as first, two.kimi.running() as second:
        table = {"base_url": second, "prefix": "k", "credentials": [{"id": "k", "key": "sk-k"}]}
        settings: dict[str, Any] = {"openai_base_url": first, "openai_api_key": "sk-server"}
        async with gateway(upstreams={"kimi": table}, **settings) as running:
            for model in ("gpt-4o", "k/kimi"):
                assert (await running.chat(model)).status_code == 200
    assert two.asked() == [("openai", "gpt-4o", "sk-server"), ("kimi", "kimi", "sk-k")]


async def test_a_key_in_a_variable_is_read_from_the_environment(
    two: Two, environment: dict[str, str]
) -> None:
    environment["KIMI_KEY"] = '"sk-of-variable"\r\n'
    row = {"id": "k", "key_env": "KIMI_KEY"}
    async with two.running(kimi={"credentials": [row]}) as gateway:
        await gateway.chat("kimi-exact")
    assert two.asked() == [("kimi", "kimi-exact", "sk-of-variable")]


async def test_a_key_file_is_read_again_when_it_changes(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file_watch, "LOOK_INTERVAL_S", 0.01)
    two.rejected = {"Bearer sk-old"}
    path = tmp_path / "key"
    path.write_text("sk-old")
    rows = [{"id": "k", "key_file": str(path)}, {"id": "second", "key": "sk-second"}]
    async with two.running(kimi={"credentials": rows}) as gateway:
        pools = gateway.container.credential_pools()
        configuration = gateway.container.configuration_source()

        async def ask() -> str:
            assert (await gateway.chat("kimi-exact")).status_code == 200
            return two.asked()[-1][2]

        assert [await ask(), await ask()] == ["sk-second", "sk-second"]
        openai, before = configuration.current().routes.upstreams
        cooling = pools.of(before).find("k")
        assert cooling is not None
        assert cooling.state.cooldown is not None

        path.write_text("sk-new")
        await until(lambda: configuration.current().routes.upstreams[1] is not before)
        assert await ask() == "sk-new"
        assert configuration.current().routes.upstreams[0] is openai
    assert [key for _, _, key in two.asked()] == ["sk-old", "sk-second", "sk-second", "sk-new"]


async def test_an_expired_key_is_skipped_until_its_file_has_a_new_one(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file_watch, "LOOK_INTERVAL_S", 0.01)
    path = tmp_path / "key"
    path.write_text("sk-expired")
    os.utime(path, (0, 0))
    row = {"id": "k", "key_file": str(path), "expires_at": "2020-01-01T00:00:00Z"}
    async with two.running(kimi={"credentials": [row]}) as gateway:
        response = await gateway.chat("kimi-exact")
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "no_credentials_available"
        before = gateway.container.configuration_source().current()
        path.write_text("sk-new")
        await until(lambda: gateway.container.configuration_source().current() is not before)
        assert (await gateway.chat("kimi-exact")).status_code == 200
    async with two.running(kimi={"credentials": [row]}) as restarted:
        assert (await restarted.chat("kimi-exact")).status_code == 200
    assert [key for _, _, key in two.asked()] == ["sk-new", "sk-new"]
