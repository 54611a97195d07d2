"""Usage over HTTP: of requests in both modes, with an upstream that answers by credential."""

import csv
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.key_upstream import KeyUpstream, configured, key_upstream
from support.waiting import until

from modegate.dialects.usage.sums import SUM_COLUMNS
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_ring import KeyRing
from modegate.testing.answer_backend import USAGE, ScriptedBackend, says
from modegate.testing.configuration_source import FakeConfigurationSource

ADMIN_KEY = "sk-admin-0123456789"
FIRST, SECOND = "sk-client-1", "sk-client-2"
TOKENS = 2 * USAGE.total_tokens


class Operator:
    """An operator of a gateway with two clients."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def get(
        self, path: str, *, sent: str = ADMIN_KEY, expected: int = 200, **query: Any
    ) -> Any:
        response = await self.gateway.http.get(
            path, params=query or None, headers={"Authorization": f"Bearer {sent}"}
        )
        assert response.status_code == expected, response.text
        is_json = response.headers["content-type"] == "application/json"
        return response.json() if is_json else response.text

    async def usage(self, **query: Any) -> list[dict[str, Any]]:
        listed = await self.get("/admin/usage", **query)
        data: list[dict[str, Any]] = listed["data"]
        return data

    async def ask(self, key: str, model: str, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {key}", **headers}
        return (await self.gateway.chat(model=model, headers=sent)).status_code


@pytest.fixture
async def upstream() -> AsyncIterator[KeyUpstream]:
    async with key_upstream() as running:
        yield running


@pytest.fixture
def operated(gateway: GatewayFactory, upstream: KeyUpstream) -> Any:
    """Starts a gateway with two clients, and credentials of these ids."""

    @asynccontextmanager
    async def start(*ids: str, **settings: Any) -> AsyncIterator[Operator]:
        source: FakeConfigurationSource = configured(upstream, *ids)
        source.change(keys=KeyRing(map(ApiKey, (FIRST, SECOND))))
        async with gateway(
            claude=ScriptedBackend(*says("Hi")),
            configuration=source,
            admin_key=ADMIN_KEY,
            upstream_max_retries=0,
            **settings,
        ) as running:
            yield Operator(running)

    return start


def counted(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Returns some fields of each row."""
    return [tuple(row[name] for name in names) for row in rows]


async def test_usage_is_summed_by_what_is_asked(operated: Any, upstream: KeyUpstream) -> None:
    upstream.statuses["a"] = 400
    async with operated("a") as operator:
        for key, model in ((FIRST, "gpt-4o"), (SECOND, "gpt-4o"), (SECOND, "o3")):
            assert await operator.ask(key, model) == 400
        for _ in range(2):
            assert await operator.ask(FIRST, "sonnet", **CLAUDE) == 200
        assert await operator.ask("sk-wrong", "gpt-4o") == 401
        assert await operator.ask(FIRST, "unknown", **CLAUDE) == 400
        listed = await operator.get("/admin/usage")
        (whole,) = listed["data"]
        assert (listed["object"], listed["group_by"]) == ("list", [])
        assert listed["from"] % 86_400 == 0
        assert listed["to"] > listed["from"] + 30 * 86_400
        assert (whole["requests"], whole["errors"], whole["total_tokens"]) == (5, 3, TOKENS)
        assert (whole["prompt_tokens"], whole["cached_tokens"]) == (
            2 * USAGE.prompt_tokens,
            2 * USAGE.cached_tokens,
        )
        by_key = await operator.usage(group_by="key,mode")
        assert counted(by_key, "key", "mode", "requests", "errors", "total_tokens") == [
            ("env-1", "claude-code", 2, 0, TOKENS),
            ("env-1", "openai-passthrough", 1, 1, 0),
            ("env-2", "openai-passthrough", 2, 2, 0),
        ]
        by_model = await operator.usage(group_by="model", key="env-2")
        assert counted(by_model, "model", "requests") == [("gpt-4o", 1), ("o3", 1)]
        by_upstream = await operator.usage(group_by="upstream,credential,endpoint")
        assert counted(by_upstream, "upstream", "credential", "requests") == [
            ("claude", "claude", 2),
            ("test", "a", 3),
        ]
        assert {row["endpoint"] for row in by_upstream} == {"/v1/chat/completions"}
        by_session = await operator.usage(group_by="session", mode="claude-code")
        assert [row["requests"] for row in by_session] == [1, 1]
        assert sum(it["requests"] for it in await operator.usage(group_by="day,hour")) == 5
        assert await operator.usage(group_by="day", to="2020-01-01") == []
        for until in ("9999-12-31", "8837772328"):
            assert (
                len(await operator.usage(group_by="day", to=until, **{"from": "2020-01-01"})) == 1
            )
            assert await operator.usage(group_by="day", to=until) == []


async def test_csv_has_the_columns_of_json(operated: Any) -> None:
    async with operated("a") as operator:
        await operator.ask(FIRST, "gpt,4")
        rows = await operator.usage(group_by="model,day")
        text = await operator.get("/admin/usage", group_by="model,day", format="csv")
        parsed = list(csv.DictReader(io.StringIO(text)))
        assert parsed == [
            {it: "" if value is None else str(value) for it, value in row.items()} for row in rows
        ]
        assert list(parsed[0]) == ["model", "day", *SUM_COLUMNS]
        assert (parsed[0]["model"], parsed[0]["requests"]) == ("gpt,4", "1")


async def test_a_client_sees_its_own_usage(operated: Any) -> None:
    async with operated("a") as operator:
        for key in (FIRST, SECOND, SECOND):
            assert await operator.ask(key, "gpt-4o") == 200
        for key, number in ((FIRST, 1), (SECOND, 2)):
            own = await operator.get("/v1/usage", sent=key, group_by="model")
            assert counted(own["data"], "model", "requests") == [("gpt-4o", number)]
            assert "key" not in own["data"][0]
        (session,) = (await operator.get("/v1/usage", sent=FIRST, session="other"))["data"]
        assert session["requests"] == 0
        for name, value in (("key", "env-2"), ("upstream", "test"), ("group_by", "key")):
            refused = await operator.get(f"/v1/usage?{name}={value}", sent=FIRST, expected=400)
            assert refused["error"]["param"] == name
        await operator.get("/v1/usage", sent="sk-wrong", expected=401)
        await operator.get("/v1/usage", expected=401)


@pytest.mark.parametrize("path", ["/admin/usage", "/admin/requests"])
async def test_parameters_that_do_not_exist_or_are_empty_are_refused(
    operated: Any, path: str
) -> None:
    async with operated("a") as operator:
        for query, param in (("groupby=key", "groupby"), ("key=", "key"), ("key=a&key=b", "key")):
            refused = await operator.get(f"{path}?{query}", expected=400)
            assert refused["error"]["param"] == param
            assert refused["error"]["code"] == "invalid_request"
        refused = await operator.get(f"{path}?%3Cb%3E=1", expected=400)
        assert "<b>" not in refused["error"]["message"]


async def test_the_last_requests_have_their_failed_attempts(
    operated: Any, upstream: KeyUpstream
) -> None:
    upstream.statuses["a"] = 429
    async with operated("a", "b") as operator:
        for _ in range(2):  # the same id twice
            assert await operator.ask(FIRST, "gpt-4o", **{"X-Request-ID": "mine"}) == 200
        assert await operator.ask(SECOND, "sonnet", **CLAUDE) == 200
        last, second, first = (await operator.get("/admin/requests"))["data"]
        assert (last["mode"], last["key"], last["attempts"]) == ("claude-code", "env-2", [])
        assert last["time"] >= second["time"] >= first["time"]
        assert (first["credential"], second["credential"]) == ("b", "b")
        (attempt,) = first["attempts"]
        assert attempt.pop("seconds") <= first["duration_seconds"]
        assert attempt == {"credential": "a", "code": "upstream_error", "status": 429}
        assert second["attempts"] == []  # `a` cools down
        found = (await operator.get("/admin/requests", id="mine"))["data"]
        assert counted(found, "id") == counted([second, first], "id")
        assert (await operator.get("/admin/requests", key="env-2", limit="1"))["data"] == [last]
        assert (await operator.get("/admin/requests", status="4xx"))["data"] == []
        assert (await operator.get("/admin/requests", since="2100-01-01"))["data"] == []


async def test_a_broken_ledger_fails_no_request_and_is_a_warning(
    operated: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    state = tmp_path / "state"
    state.mkdir()
    with closing(sqlite3.connect(state / "usage.db")) as database:
        database.execute("PRAGMA user_version = 99")
    async with operated("a") as operator:
        http = operator.gateway.http
        assert await operator.ask(FIRST, "gpt-4o") == 200
        refused = await operator.get("/admin/usage", expected=503)
        assert refused["error"]["code"] == "storage_unavailable"
        health = (await http.get("/health")).json()
        assert (health["status"], health["checks"]["ledger"]) == ("ready", "warn")
        assert "modegate_ledger_pending_rows 1.0" in (await http.get("/metrics")).text
        (state / "usage.db").unlink()
        ledger = operator.gateway.container.usage_ledger()
        await until(lambda: ledger.condition().pending == 0)
        assert (await http.get("/health")).json()["checks"]["ledger"] == "ok"
        assert (await operator.usage())[0]["requests"] == 1
        page = (await http.get("/metrics")).text
        assert "modegate_ledger_lost_rows_total 0.0" in page
