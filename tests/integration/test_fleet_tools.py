"""Results of a client's tools that reach another gateway than the one whose turn waits for them."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.redis import RedisServer, redis_server
from support.tool_turns import process_of
from support.waiting import until

from modegate.adapters.claude_cli.turns import stored_turn
from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"
TOOL: Any = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
ASKED: Any = {"role": "user", "content": "Look it up."}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), fsync="no") as it:
        yield it


@pytest.fixture
async def pair(
    store: RedisServer,
    gateway: GatewayFactory,
    request: pytest.FixtureRequest,
    provider: SimulatedProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two gateways with the real CLI on one store, each with a state folder of its own.

    A test may give the names of the folders, or other settings.
    """
    given = getattr(request, "param", {})
    folders = given if isinstance(given, tuple) else ("home", "other")
    settings = given if isinstance(given, dict) else {}
    assert provider.url
    # A busy machine lets the CLI write late, and a turn that it has not written does not move.
    with redis.Redis(port=store.port) as client:
        client.flushdb()
    monkeypatch.setattr(stored_turn, "WRITTEN_TIMEOUT_S", 30.0)
    async with AsyncExitStack() as running:
        home, other = [
            await running.enter_async_context(
                gateway(modegate_store=store.url, modegate_state_dir=tmp_path / name, **settings)
            )
            for name in folders
        ]
        yield home, other


def parked(gateway: Gateway) -> int:
    return int(gateway.container.claude_cli().status().capacity.parked)


def active(gateway: Gateway) -> int:
    return int(gateway.container.claude_cli().status().capacity.active)


async def ask(
    gateway: Gateway, *messages: Any, session: str | None = None, streamed: bool = False
) -> tuple[Any, str]:
    """Sends the messages; returns the answer's message and its session."""
    asked: Any = {"model": "sonnet", "messages": list(messages), "tools": [TOOL]}
    headers = CLAUDE | ({} if session is None else {SESSION: session})
    if streamed:
        async with gateway.sdk.chat.completions.stream(**asked, extra_headers=headers) as stream:
            last = await stream.get_final_completion()
            return last.choices[0].message, stream._response.headers[SESSION]  # noqa: SLF001
    raw = await gateway.sdk.chat.completions.with_raw_response.create(
        **asked, extra_headers=headers
    )
    answer: Any = raw.parse()
    return answer.choices[0].message, raw.headers[SESSION]


async def call(
    home: Gateway, provider: SimulatedProvider, call_id: str, *, streamed: bool = False
) -> tuple[Any, str]:
    """Has the model call the tool; returns its message, and the session, which waits at `home`."""
    provider.script(Says("I look.", calls=(Call("look_up", "{}", call_id),)))
    message, session = await ask(home, ASKED, streamed=streamed)
    assert [it.id for it in message.tool_calls] == [call_id]
    await until(lambda: parked(home) == 1)
    return said(message), session


def said(message: Any) -> Any:
    return message.model_dump(include={"role", "content", "tool_calls"})


def open_calls(store: RedisServer) -> int:
    """Returns how many open calls the store knows."""
    with redis.Redis(port=store.port) as client:
        return len(client.keys("{modegate}:session-call:*"))


def result(call_id: str, text: str) -> Mapping[str, str]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def heard(provider: SimulatedProvider) -> str:
    return json.dumps(provider.requests[-1].json["messages"])


async def test_a_parked_turn_is_stale_once_its_session_has_gone_on_elsewhere(
    pair: tuple[Gateway, Gateway], provider: SimulatedProvider
) -> None:
    home, other = pair
    called, session = await call(home, provider, "toolu_stale")
    provider.script(Says("It is blue."))
    answer, at = await ask(other, ASKED, called, result("toolu_stale", "blue"), session=session)
    assert (answer.content, at) == ("It is blue.", session)
    provider.script(Says("Blue, as I said."))
    answer, _ = await ask(home, {"role": "user", "content": "Sure?"}, session=session)
    assert answer.content == "Blue, as I said."
    for word in ("Look it up.", "blue", "It is blue.", "Sure?"):
        assert word in heard(provider)
    assert parked(home) == 0


@pytest.mark.parametrize("has_header", [pytest.param(True, marks=pytest.mark.exhaustive), False])
async def test_a_loop_of_tools_goes_to_and_fro(
    pair: tuple[Gateway, Gateway], provider: SimulatedProvider, has_header: bool
) -> None:
    home, other = pair
    called, session = await call(home, provider, "toolu_0")
    messages = [ASKED, called]
    named = session if has_header else None
    for step, gateway in enumerate((other, home, home, other)):
        messages.append(result(f"toolu_{step}", f"step {step}"))
        provider.script(Says("On.", calls=(Call("look_up", "{}", f"toolu_{step + 1}"),)))
        message, at = await ask(gateway, *messages, session=named)
        assert at == session
        messages.append(said(message))
        for before in range(step + 1):
            assert f"step {before}" in heard(provider)
    provider.script(Says("Done."))
    message, at = await ask(home, *messages, result("toolu_4", "step 4"), session=named)
    assert (message.content, at) == ("Done.", session)
    assert "step 4" in heard(provider)


@pytest.mark.parametrize("pair", [{"claude_continue_by_history": False}], indirect=True)
@pytest.mark.parametrize(
    ("streamed", "has_history"),
    [(True, False), pytest.param(False, True, marks=pytest.mark.exhaustive)],
)
async def test_results_find_their_session_by_its_calls(
    pair: tuple[Gateway, Gateway],
    provider: SimulatedProvider,
    store: RedisServer,
    streamed: bool,
    has_history: bool,
) -> None:
    home, other = pair
    called, session = await call(home, provider, "toolu_found", streamed=streamed)
    process = process_of(session)
    assert open_calls(store) == 1
    provider.script(Says("It is blue."))
    before = [ASKED, called] if has_history else []
    answer, at = await ask(other, *before, result("toolu_found", "blue"), streamed=streamed)
    assert (answer.content, at) == ("It is blue.", session)
    for word in ("Look it up.", "toolu_found", "blue"):
        assert word in heard(provider)
    # The process at home is useless from then on: nobody asks there, and it is gone all the same.
    await until(lambda: not parked(home) and not Path(f"/proc/{process}").exists())
    assert open_calls(store) == 0
    for gateway in pair:
        await until(lambda gateway=gateway: not active(gateway))  # type: ignore[misc]
    provider.script(Says("Still blue."))
    answer, _ = await ask(home, {"role": "user", "content": "Sure?"}, session=session)
    assert answer.content == "Still blue."
    assert "It is blue." in heard(provider)


async def test_a_session_that_is_deleted_elsewhere_ends_its_parked_turn(
    pair: tuple[Gateway, Gateway], provider: SimulatedProvider
) -> None:
    home, other = pair
    _, session = await call(home, provider, "toolu_deleted")
    process = process_of(session)
    deleted = await other.http.delete(f"/v1/sessions/{session}", headers=CLAUDE)
    assert deleted.status_code == 200
    await until(lambda: not parked(home) and not Path(f"/proc/{process}").exists())
    assert not active(home)


@pytest.mark.parametrize("pair", [("shared", "shared")], indirect=True)
async def test_workers_with_one_folder_lose_nothing_of_each_other(
    pair: tuple[Gateway, Gateway], provider: SimulatedProvider
) -> None:
    home, other = pair
    called, session = await call(home, provider, "toolu_shared")
    process = process_of(session)
    provider.script(Says("It is blue."))
    answer, at = await ask(other, ASKED, called, result("toolu_shared", "blue"))
    assert (answer.content, at) == ("It is blue.", session)
    await until(lambda: not parked(home) and not Path(f"/proc/{process}").exists())
    for gateway in (other, home, other):
        provider.script(Says("Yes."))
        await ask(gateway, {"role": "user", "content": "Sure?"}, session=session)
        for word in ("Look it up.", "blue", "It is blue.", "Sure?"):
            assert word in heard(provider)
