"""With the real CLI: a session keeps its process between turns, and no other session uses it."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import requests_under_way, until

from modegate.adapters.claude_cli.process import cli_process
from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.domain.session import SessionId
from modegate.entrypoints.http.middleware.client_connection import ClientConnection
from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider, last_user_text
from modegate.testing.scripted_claude import ScriptedClaude, answer

SESSION = "X-Claude-Session-ID"
SLOW = Says("one two three four five six", delay=5.0)


def processes(state: Path) -> dict[str, int]:
    """Returns the pid of the process in each session's directory, by session id."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            folder = (entry / "cwd").readlink() if entry.name.isdigit() else Path()
        except OSError:
            continue
        if folder.is_relative_to(state / "sessions"):
            found[folder.parent.name] = int(entry.name)
    return found


def state_of(gateway: Gateway) -> Path:
    folder: Path = gateway.container.settings().modegate_state_dir
    return folder


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


def last_messages(provider: SimulatedProvider) -> str:
    """Returns the messages of the last request to the model, as JSON."""
    return json.dumps(provider.requests[-1].json["messages"])


async def begin(gateway: Gateway, text: str = "My name is Ada.", **params: Any) -> str:
    """Starts a session, waits until its process is idle and returns its id."""
    waiting = capacity(gateway).live
    response = await gateway.claude(text, **params)
    assert response.status_code == 200
    await until(lambda: capacity(gateway).live > waiting or capacity(gateway).active == 0)
    return str(response.headers[SESSION])


async def continue_session(
    gateway: Gateway, session: str, text: str = "My name?", **params: Any
) -> str:
    response = await gateway.claude(text, {SESSION: session}, **params)
    assert response.status_code == 200, response.text
    assert response.headers[SESSION] == session
    await until(lambda: capacity(gateway).active == 0)
    return str(response.json()["choices"][0]["message"]["content"])


async def disconnect_after_first_word(
    gateway: Gateway, provider: SimulatedProvider, session: str | None, text: str
) -> str:
    """Starts a streamed turn, disconnects after its first word, and returns the session's id."""
    provider.script(SLOW)
    headers = CLAUDE | ({SESSION: session} if session else {})
    body = {
        "model": "sonnet",
        "stream": True,
        "messages": [{"role": "user", "content": text}],
    }
    async with gateway.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=headers
    ) as stream:
        async for line in stream.aiter_lines():
            if "one" in line:
                break
        return str(stream.headers[SESSION])


async def test_later_turns_reuse_the_sessions_process(
    both: Gateway, provider: SimulatedProvider
) -> None:
    session = await begin(both)
    (process,) = processes(state_of(both)).values()
    for text in ("What is my name?", "And again?"):
        assert text in await continue_session(both, session, text)
    assert processes(state_of(both)) == {session: process}
    assert last_messages(provider).count('"My name is Ada."') == 1
    assert last_messages(provider).count('"What is my name?"') == 1
    usage = (await both.claude("x", {SESSION: session})).json()["usage"]
    assert usage["completion_tokens"] < 20, "of this turn, not of all"


@pytest.mark.parametrize("change", [{"model": "haiku"}, {"system": 1}])
async def test_a_new_model_or_system_prompt_starts_another_process(
    change: dict[str, Any], both: Gateway, provider: SimulatedProvider
) -> None:
    session = await begin(both)
    (process,) = processes(state_of(both)).values()
    if "system" in change:
        change = {}
        messages = [{"role": "system", "content": "Be a pirate."}, {"role": "user", "content": "?"}]
        response = await both.http.post(
            "/v1/chat/completions",
            json={"model": "sonnet", "messages": messages},
            headers=CLAUDE | {SESSION: session},
        )
        assert response.status_code == 200
        assert "Be a pirate." in json.dumps(provider.requests[-1].json["system"])
    else:
        await continue_session(both, session, model=change.pop("model", "sonnet"), **change)
    assert processes(state_of(both)) != {session: process}
    assert "My name is Ada." in last_messages(provider)


async def test_an_abandoned_turn_is_undone_and_its_process_is_kept(
    both: Gateway, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine may take longer than the gateway would wait before it stops the process.
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    monkeypatch.setattr(cli_process, "REWIND_TIMEOUT_S", 30.0)
    session = await begin(both)
    (process,) = processes(state_of(both)).values()
    await disconnect_after_first_word(both, provider, session, "Forget this.")
    await until(lambda: provider.abandoned == 1)
    await continue_session(both, session, "What is my name?")
    assert processes(state_of(both)) == {session: process}
    assert "Forget this." not in last_messages(provider)
    assert "interrupted" not in last_messages(provider)
    assert "My name is Ada." in last_messages(provider)


async def test_an_abandoned_turn_stays_undone_after_its_process_is_killed(
    both: Gateway, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    monkeypatch.setattr(cli_process, "REWIND_TIMEOUT_S", 30.0)
    session = await begin(both)
    await disconnect_after_first_word(both, provider, session, "Forget this.")
    # The process stores the rewind up to 0.1 s after it reports it: it has no time for that here.
    await until(lambda: capacity(both).live == 1)
    os.kill(processes(state_of(both))[session], signal.SIGKILL)
    await until(lambda: capacity(both).live == 0)
    await continue_session(both, session, "What is my name?")
    assert "Forget this." not in last_messages(provider)
    assert "My name is Ada." in last_messages(provider)


async def test_a_turn_abandoned_before_the_first_word_is_undone(
    both: Gateway, provider: SimulatedProvider
) -> None:
    session = await begin(both)
    provider.script(Says("late", delay=60.0))
    before = len(provider.requests)
    asking = asyncio.create_task(both.claude("Forget this.", {SESSION: session}))
    await until(lambda: len(provider.requests) > before)
    asking.cancel()
    await asyncio.wait({asking})
    await until(lambda: capacity(both).active == 0)
    await continue_session(both, session, "What is my name?")
    assert "Forget this." not in last_messages(provider)
    assert "My name is Ada." in last_messages(provider)


async def test_a_failed_turn_is_undone(both: Gateway, provider: SimulatedProvider) -> None:
    session = await begin(both)
    provider.script(*[Fails(400)] * 3)
    response = await both.claude("Forget this.", {SESSION: session})
    assert response.status_code == 400
    provider.clear()
    await continue_session(both, session, "What is my name?")
    assert "Forget this." not in last_messages(provider)
    assert "My name is Ada." in last_messages(provider)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)]
)
async def test_an_idle_process_that_exited_is_replaced(
    number: signal.Signals, both: Gateway, provider: SimulatedProvider
) -> None:
    session = await begin(both)
    os.kill(processes(state_of(both))[session], number)
    await continue_session(both, session)
    assert "My name is Ada." in last_messages(provider)
    await until(lambda: len(processes(state_of(both))) == 1)


async def test_a_process_killed_while_it_is_reacquired_is_replaced(
    both: Gateway, provider: SimulatedProvider
) -> None:
    session = await begin(both)
    process = processes(state_of(both))[session]
    os.kill(process, signal.SIGSTOP)
    asking = asyncio.create_task(both.claude("My name?", {SESSION: session}))
    await until(lambda: capacity(both).active == 1)
    os.kill(process, signal.SIGKILL)
    assert (await asking).status_code == 200
    assert "My name is Ada." in last_messages(provider)


async def test_processes_over_the_live_limit_or_the_idle_timeout_are_ended(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(claude_live_sessions=2) as running:
        sessions = [await begin(running) for _ in range(3)]
        await until(lambda: set(processes(state_of(running))) == set(sessions[1:]))
        assert capacity(running).live == 2
        await continue_session(running, sessions[0])
        assert "My name is Ada." in last_messages(provider)
        await until(lambda: set(processes(state_of(running))) == {sessions[0], sessions[2]})
    assert not processes(state_of(running))
    async with gateway(claude_live_idle_ms=100) as running:
        await until(lambda: not processes(state_of(running)))
        await begin(running)
        await until(lambda: not processes(state_of(running)))
        assert capacity(running).live == 0


async def test_oneshot_mode_uses_one_process_per_request(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(claude_process_mode="oneshot", claude_warm_processes=2) as running:
        session = await begin(running)
        await until(lambda: not processes(state_of(running)))
        await continue_session(running, session)
        assert (capacity(running).live, capacity(running).warm) == (0, 0)
    assert "My name is Ada." in last_messages(provider)


@pytest.mark.parametrize("mode", ["live", pytest.param("oneshot", marks=pytest.mark.exhaustive)])
async def test_the_text_of_an_abandoned_first_turn_stays_in_the_conversation(
    mode: str,
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    async with gateway(claude_process_mode=mode) as running:
        session = await disconnect_after_first_word(running, provider, None, "Count.")
        await until(lambda: capacity(running).active == 0)
        await continue_session(running, session, "Go on.")
    said = json.loads(last_messages(provider))
    assert ["one" in json.dumps(it) for it in said if it["role"] == "assistant"][:1] == [True]


async def test_oneshot_mode_keeps_the_text_of_an_answer_that_ends_before_the_clis_turn(
    gateway: GatewayFactory, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    limit = Says("one two", stop="max_tokens")
    async with gateway(claude_process_mode="oneshot", claude_cut_at_output_limit=True) as running:
        provider.script(limit, Says("three", delay=60.0))
        session = await begin(running, "Count.")
        provider.clear()
        await continue_session(running, session, "Go on.")
    assert "one two" in last_messages(provider)


async def test_deleting_a_session_ends_its_process_and_removes_its_directory(
    both: Gateway, provider: SimulatedProvider
) -> None:
    assert provider.url
    session = await begin(both)
    assert (await both.http.delete(f"/v1/sessions/{session}")).status_code == 200
    await until(lambda: not processes(state_of(both)))
    assert not list((state_of(both) / "sessions").iterdir())


async def folder_is_free(gateway: Gateway) -> None:
    """Returns when other gateways may lock the folder of the last turn's session."""
    await until(lambda: not gateway.container.claude_cli()._turns.settling)  # noqa: SLF001


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_session_is_free_before_its_client_has_the_whole_answer(
    streamed: bool, gateway: GatewayFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    hold, send = SqliteSessionStore.hold, ClientConnection.send

    @asynccontextmanager
    async def noted_hold(self: SqliteSessionStore, session_id: SessionId) -> AsyncIterator[None]:
        async with hold(self, session_id):
            yield
        seen.append("free")

    async def noted_send(self: ClientConnection, message: Any) -> None:
        is_last = b"[DONE]" in message.get("body", b"") or not (streamed or "body" in message)
        if is_last:
            seen.append("sent")
        await send(self, message)

    monkeypatch.setattr(SqliteSessionStore, "hold", noted_hold)
    monkeypatch.setattr(ClientConnection, "send", noted_send)
    claude = ScriptedClaude(tmp_path, *answer("Hello"))
    async with gateway(claude_path=str(claude.path)) as running:
        assert (await running.claude(stream=streamed)).status_code == 200
    assert seen == ["free", "sent"]


async def test_two_gateways_can_alternate_in_one_conversation(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway() as first, gateway() as second:
        session = await begin(first)
        for i in range(3):
            await continue_session(second, session, f"To the second {i}.")
            await folder_is_free(second)
            assert f"To the second {i}." in last_messages(provider)
            await continue_session(first, session, f"To the first {i}.")
            await folder_is_free(first)
            said = last_messages(provider)
            assert said.index(f"To the second {i}.") < said.index(f"To the first {i}.")
            assert said.count('"My name is Ada."') == 1
    assert not processes(state_of(first))


@pytest.mark.parametrize(
    ("clients", "turns"), [(5, 3), pytest.param(8, 5, marks=pytest.mark.exhaustive)]
)
async def test_no_text_of_a_session_reaches_another_session(
    clients: int, turns: int, gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    """Runs fewer processes than sessions, so that they are constantly ended and resumed."""
    dice = random.Random(3)  # noqa: S311 - not for cryptography

    async def client(running: Gateway, number: int) -> None:
        mark = f"canary-{number}-"
        session = None
        for turn in range(turns):
            said = f"{mark}{turn}"
            response = await running.claude(said, {SESSION: session} if session else {})
            assert response.status_code == 200, response.text
            assert mark in response.text
            session = str(response.headers[SESSION])
            await asyncio.sleep(dice.random() / 20)

    async with gateway(claude_live_sessions=2, claude_warm_processes=1) as running:
        await asyncio.gather(*(client(running, number) for number in range(clients)))
    asked = [it for it in provider.requests if it.path.startswith("/v1/messages")]
    assert len(asked) >= clients * turns
    for request in asked:
        mark = last_user_text(request.json).rpartition("-")[0]
        for message in request.json["messages"]:  # type: ignore[attr-defined]
            told = json.dumps(message)
            assert told.count("canary-") == told.count(f"{mark}-")


async def test_leftover_output_of_an_abandoned_turn_is_not_the_next_turns_answer(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder, converses=True)
    # It has sent its result but is still busy: the next prompt waits in its input.
    free = tmp_path / "free"
    claude.script_for("[a]", *answer("A."), {"wait_for": str(free)})
    claude.script_for("[b]", *answer("B."))
    claude.script_for("[c]", *answer("C."))
    async with gateway(claude_path=str(claude.path)) as running:
        session = await begin(running, "[a]")
        await until(lambda: capacity(running).active == 0)
        asking = asyncio.create_task(running.claude("[b]", {SESSION: session}))
        await until(lambda: capacity(running).live == 0)
        asking.cancel()
        await asyncio.wait({asking})
        await until(lambda: not requests_under_way())
        # If the client left before the prompt was sent, the process is still the session's.
        free.touch()
        assert await continue_session(running, session, "[c]") == "C."
