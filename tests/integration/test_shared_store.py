"""Gateways in several processes that share a real store."""

import http.client
import json
import signal
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import redis
from support.commands import run
from support.redis import RedisServer, redis_server
from support.serving import COLD, Serving, bare_environment, serving
from support.serving import wait as wait_for

from modegate.testing.scripted_claude import ScriptedClaude, begin, word

# Several gateways and a store share the machine with other tests.
wait = partial(wait_for, seconds=120.0)
CLAUDE = {"X-Claude-Code": "true", "Content-Type": "application/json"}
CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
TURN = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as it:
        yield it


@contextmanager
def gateway(
    store: RedisServer, folder: Path, *arguments: str, **settings: str
) -> Iterator[Serving]:
    """Serves a gateway with its own state folder."""
    folder.mkdir()
    unlimited = {"MODEGATE_STORE": store.url, "RATE_LIMIT_PER_IP": "1000000"}
    environment = bare_environment(folder) | COLD | unlimited | settings
    with serving(*arguments, folder=folder, environment=environment) as it:
        yield it


def code_of(answer: Mapping[str, object] | None) -> object:
    """Returns the code of an error; None for a good answer."""
    error = (answer or {}).get("error")
    return error.get("code") if isinstance(error, dict) else None


def checks(running: Serving) -> Mapping[str, object]:
    """Returns the checks of `/health`."""
    found = (running.ask("/health") or {}).get("checks")
    return found if isinstance(found, dict) else {}


def figure(running: Serving, name: str) -> float:
    """Returns the value of a metric without labels."""
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=30) as response:
        lines = response.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


class Turn:
    """A streamed turn that has begun and does not end by itself."""

    def __init__(self, running: Serving) -> None:
        self._connection = http.client.HTTPConnection(running.address, timeout=60)
        self._connection.request("POST", CHAT, json.dumps(TURN | {"stream": True}), CLAUDE)
        self.response = self._connection.getresponse()
        self.session = str(self.response.getheader("X-Claude-Session-ID"))

    def rest(self) -> str:
        """Returns what comes until the stream ends."""
        return self.response.read().decode()

    def close(self) -> None:
        """Closes the connection."""
        self.response.close()
        self._connection.close()


def deleted(running: Serving, session: str) -> bool:
    """Deletes a session; returns whether it was not held."""
    request = urllib.request.Request(f"{running.url}/v1/sessions/{session}", method="DELETE")
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError as error:
        if code_of(json.load(error)) != "session_busy":
            raise
        return False


def end_of_lease(store: RedisServer, session: str) -> int:
    """Returns when the hold of a session ends, in milliseconds of the store's clock."""
    with redis.Redis(port=store.port) as client:
        return int(str(client.hget(f"{{modegate}}:session-hold:{session}", "ends").decode()))


@pytest.mark.exhaustive
def test_holds_of_a_killed_and_of_a_paused_gateway_end_with_their_leases(
    store: RedisServer, tmp_path: Path
) -> None:
    claude = ScriptedClaude(tmp_path, *begin(), word("Hi"), {"hang": 0})
    settings = {"CLAUDE_PATH": str(claude.path), "ANTHROPIC_API_KEY": "sk-ant-test"}
    with ExitStack() as stack:
        killed, paused, other = (
            stack.enter_context(gateway(store, tmp_path / name, **settings))
            for name in ("killed", "paused", "other")
        )
        lost, cut = Turn(killed), Turn(paused)
        stack.callback(lost.close)
        stack.callback(cut.close)
        both = {lost.session, cut.session}
        listed = other.ask("/v1/sessions") or {}
        data = listed.get("data") or listed.get("sessions")
        assert isinstance(data, list)
        assert {it["id"] for it in data} == both
        for session in both:
            answer = other.ask(CHAT, TURN, X_Claude_Code="true", X_Claude_Session_ID=session)
            assert code_of(answer) == "session_busy"
        killed.process.kill()
        paused.process.send_signal(signal.SIGSTOP)
        try:
            for session in both:
                ends = end_of_lease(store, session)
                wait(lambda session=session: deleted(other, session))  # type: ignore[misc]
                assert time.time() * 1000 >= ends  # the store's clock is this machine's
        finally:
            paused.process.send_signal(signal.SIGCONT)
        assert "too slow to keep this session" in cut.rest()
        assert code_of(other.ask(f"/v1/sessions/{cut.session}")) == "session_not_found"
        assert code_of(paused.ask(f"/v1/sessions/{cut.session}")) == "session_not_found"


def test_a_store_that_is_away_is_told_and_found_again(store: RedisServer, tmp_path: Path) -> None:
    with gateway(store, tmp_path / "one", "--offline") as running:
        assert code_of(running.ask(CHAT, BODY)) is None
        assert checks(running)["store"] == "ok"
        for away, back in (
            (store.pause, store.resume),
            (store.kill, store.start),
            (store.stop, store.start),
        ):
            away()
            try:
                wait(lambda: code_of(running.ask(CHAT, BODY)) == "storage_unavailable")
                for path in (CHAT, "/v1/embeddings", "/v1/responses"):
                    assert code_of(running.ask(path, BODY)) == "storage_unavailable"
                answer = running.ask(CHAT, TURN, X_Claude_Code="true")
                assert code_of(answer) == "storage_unavailable"
                health = running.ask("/health") or {}
                assert (health["status"], checks(running)["store"]) == ("unavailable", "error")
                assert figure(running, "modegate_store_up") == 0
            finally:
                back()
            wait(lambda: code_of(running.ask(CHAT, BODY)) is None)
            wait(lambda: checks(running)["store"] == "ok")
            assert figure(running, "modegate_store_up") == 1
        assert code_of(running.ask(CHAT, TURN, X_Claude_Code="true")) is None
        with redis.Redis(port=store.port) as client:
            wait(lambda: len(client.client_list()) <= 3)  # two of the gateway, and this one
        running.process.terminate()
        messages = [it["message"] for it in running.log()]
    assert sum("store unreachable" in str(it) for it in messages) == 3
    assert sum("store recovered" in str(it) for it in messages) == 3


def test_local_mode_admits_each_gateways_share(store: RedisServer, tmp_path: Path) -> None:
    settings = {"STORE_FAILURE_MODE": "local", "RATE_LIMIT_PER_IP": "11"}
    with ExitStack() as stack:
        both = [
            stack.enter_context(gateway(store, tmp_path / name, "--offline", **settings))
            for name in ("one", "two")
        ]
        for running in both:
            wait(lambda running=running: checks(running)["gateways"] == 2)  # type: ignore[misc]
            assert figure(running, "modegate_store_gateways") == 2
        store.kill()
        try:
            for running in both:
                wait(lambda running=running: checks(running)["store"] == "warn")  # type: ignore[misc]
                health = running.ask("/health") or {}
                assert health["status"] == "ready"
                codes = [code_of(running.ask(CHAT, BODY)) for _ in range(9)]
                assert codes == [None] * 5 + ["rate_limit_exceeded"] * 4
            assert code_of(both[0].ask("/v1/sessions")) == "rate_limit_exceeded"
        finally:
            store.start()
        for running in both:
            wait(lambda running=running: checks(running)["store"] == "ok")  # type: ignore[misc]
        both[0].process.terminate()
        wait(lambda: checks(both[1])["gateways"] == 1)


@pytest.mark.exhaustive
def test_workers_share_sessions_keys_and_presence(store: RedisServer, tmp_path: Path) -> None:
    settings = {"ADMIN_KEY": "admin-key-of-the-test", "API_KEY": "client-key-of-the-test"}
    with ExitStack() as stack:
        workers = stack.enter_context(
            gateway(store, tmp_path / "one", "--offline", "--workers", "2", **settings)
        )
        other = stack.enter_context(gateway(store, tmp_path / "two", "--offline", **settings))
        wait(lambda: checks(workers)["gateways"] == 3)
        admin = {"Authorization": f"Bearer {settings['ADMIN_KEY']}"}
        made = workers.ask("/admin/keys", {"name": "search"}, **admin) or {}
        secret = {"Authorization": f"Bearer {made['secret']}"}
        for running in (workers, other):
            for _ in range(4):
                wait(lambda running=running: code_of(running.ask(CHAT, BODY, **secret)) is None)  # type: ignore[misc]


def test_doctor_checks_the_store(store: RedisServer, tmp_path: Path) -> None:
    environment = bare_environment(tmp_path) | {"MODEGATE_STORE": store.url}
    place = f"redis://127.0.0.1:{store.port}"
    told = run("doctor", host=environment).stdout
    assert f"store: {place}" in told
    assert f"in {place}" in told
    away = environment | {"MODEGATE_STORE": "redis://me:secret-word@127.0.0.1:1"}
    told = run("doctor", host=away).stdout
    assert "store: redis://127.0.0.1:1" in told
    assert "MODEGATE_STORE runs" in told
    assert "secret-word" not in told
