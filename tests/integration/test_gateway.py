"""The Python API with the real CLI and the simulated models."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from support.waiting import until

from modegate import (
    Answer,
    Gateway,
    GatewayError,
    ItemResult,
    Mode,
    Settings,
    SyncGateway,
)
from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider

CLAUDE, OPENAI = Mode.CLAUDE_CODE, Mode.PASSTHROUGH


def children() -> set[int]:
    """Returns the PIDs of this process's children."""
    own = os.getpid()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(stat[1]) == own:
                found.add(int(entry.name))
    return found


@pytest.fixture
async def provider() -> AsyncIterator[SimulatedProvider]:
    provider = SimulatedProvider()
    async with provider.running():
        yield provider


@pytest.fixture
async def gateway(
    provider: SimulatedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", provider.url)
    settings = Settings(
        modegate_state_dir=tmp_path / "state",
        anthropic_api_key=SecretStr("sk-ant"),
        openai_api_key=SecretStr("sk-openai"),
        openai_base_url=f"{provider.url}/v1",
        claude_warm_processes=0,
    )
    async with Gateway(settings) as gateway:
        yield gateway


@pytest.mark.parametrize(("mode", "model"), [("claude-code", "haiku"), (OPENAI, "gpt-4o")])
async def test_an_answer_has_the_same_type_in_both_modes(
    gateway: Gateway, provider: SimulatedProvider, mode: Mode | str, model: str
) -> None:
    provider.script(Says("Hello there."))
    answer = await gateway.chat("Hi", model=model, mode=mode)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.finish_reason) == ("Hello there.", "stop")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.raw["usage"]["total_tokens"]
    assert answer.raw["object"] == "chat.completion"
    assert (answer.session_id is None) is (mode == OPENAI)
    assert answer.request_id
    assert answer.cost_usd is not None


async def test_messages_may_be_a_prompt_a_list_or_all_parameters(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    await gateway.chat("Hi", model="gpt-4o", temperature=0.5)
    await gateway.chat(messages, model="gpt-4o", temperature=0.5)
    await gateway.chat({"messages": messages, "model": "gpt-4o", "temperature": 0.5})
    bodies = [request.json for request in provider.requests]
    assert bodies == [{"messages": messages, "temperature": 0.5, "model": "gpt-4o"}] * 3


@pytest.mark.parametrize(("mode", "model"), [(CLAUDE, "haiku"), (OPENAI, "gpt-4o")])
async def test_a_stream_yields_texts_and_then_has_the_answer(
    gateway: Gateway, provider: SimulatedProvider, mode: Mode, model: str
) -> None:
    provider.script(Says("Hello there, dear friend."))
    stream = gateway.stream("Hi", model=model, mode=mode)
    assert stream.answer is None
    texts = [event.text async for event in stream]
    assert "".join(texts) == "Hello there, dear friend."
    assert isinstance(stream.answer, Answer)
    assert (stream.answer.text, stream.answer.finish_reason) == ("".join(texts), "stop")
    assert stream.answer.usage is not None


@pytest.mark.parametrize(("mode", "model"), [(CLAUDE, "haiku"), (OPENAI, "gpt-4o")])
async def test_the_turns_of_a_session_continue(
    gateway: Gateway, provider: SimulatedProvider, mode: Mode, model: str
) -> None:
    conversation = gateway.session(mode=mode, model=model)
    await conversation.chat("My name is Ada.")
    async for _ in conversation.stream("What is my name?"):
        pass
    sent = provider.requests[-1].json["messages"]
    assert isinstance(sent, list)
    assert "My name is Ada." in str(sent)
    assert (conversation.id is None) is (mode is OPENAI)
    ended = conversation.id
    await conversation.end()
    assert (conversation.id, conversation.messages) == (None, [])
    if ended:
        with pytest.raises(GatewayError, match="leave out session= to begin a new one"):
            await gateway.chat("Hi", session=ended)


async def test_a_session_continues_by_its_id(gateway: Gateway, provider: SimulatedProvider) -> None:
    first = await gateway.chat("My name is Ada.", mode=CLAUDE, model="haiku")
    second = await gateway.chat("What is my name?", session=first.session_id, model="haiku")
    assert second.session_id == first.session_id
    assert "My name is Ada." in str(provider.requests[-1].json["messages"])


async def test_an_error_gives_advice_in_arguments(gateway: Gateway) -> None:
    with pytest.raises(GatewayError) as raised:
        await gateway.chat("Hi", model="no-such-model", mode=CLAUDE)
    assert raised.value.code == "model_not_found"
    assert "model=" in str(raised.value)
    assert "X-Claude" not in str(raised.value)
    with pytest.raises(ValueError, match="mode must be one of"):
        await gateway.chat("Hi", mode="claude")


async def test_an_upstreams_error_says_whether_to_retry(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(*[Fails(503, headers={"retry-after": "0"})] * 9)
    with pytest.raises(GatewayError) as raised:
        await gateway.chat("Hi", model="gpt-4o")
    assert raised.value.code == "upstream_error"
    assert raised.value.is_repeatable
    provider.clear()
    provider.script(Fails(404))
    with pytest.raises(GatewayError, match="status 404") as missing:
        [event async for event in gateway.stream("Hi", model="gpt-4o")]
    assert missing.value.is_repeatable is False


async def test_leaving_a_stream_early_ends_its_request(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("word " * 50, 0.2), Says("word " * 50, 0.2))
    async for _ in gateway.stream("Hi", model="gpt-4o"):
        break
    await until(lambda: not provider.under_way)
    async with gateway.stream("Hi", model="gpt-4o") as stream:
        assert (await anext(stream)).text is not None
    await until(lambda: not provider.under_way)
    assert provider.abandoned == 2


async def test_leaving_the_context_ends_processes_and_tasks(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    before = children()
    provider.script(Says("word " * 500, 0.1))
    stream = gateway.stream("Hi", mode=CLAUDE, model="haiku")
    await anext(stream)
    assert children() - before
    await gateway.aclose()
    with pytest.raises(RuntimeError, match="the stream was closed"):
        [event async for event in stream]
    assert not children() - before
    assert len(asyncio.all_tasks()) <= 3  # the test, its provider, the fixture
    with pytest.raises(RuntimeError, match="async with Gateway"):
        await gateway.chat("Hi")


def chat_item(number: int, **changed: object) -> dict[str, object]:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"Item {number}"}]}
    url = "/v1/chat/completions"
    return {"custom_id": f"item-{number}", "method": "POST", "url": url, "body": body} | changed


async def test_a_batch_yields_a_result_for_each_item(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    items = (chat_item(number) for number in range(50))
    results = [result async for result in gateway.batch(items, concurrency=7)]
    assert sorted(it.custom_id for it in results) == sorted(f"item-{n}" for n in range(50))
    assert all(it.succeeded for it in results)
    assert isinstance(results[0], ItemResult)
    assert len(provider.requests) == 50
    rows = await _ledger_rows(gateway)
    assert rows == 50


async def _ledger_rows(gateway: Gateway) -> int:
    return len(await gateway.container.usage_ledger().page(0, 1000))


async def test_a_batch_takes_items_as_there_is_room(gateway: Gateway) -> None:
    taken = 0

    async def items() -> AsyncIterator[dict[str, object]]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield chat_item(number)

    results = gateway.batch(items(), concurrency=3)
    await anext(results)
    await results.aclose()
    assert taken < 50


async def test_an_item_that_may_pass_is_retried(
    gateway: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(*[Fails(500, headers={"x-should-retry": "true", "retry-after": "0"})] * 5)
    (result,) = [it async for it in gateway.batch([chat_item(1)], retries=5)]
    assert result.succeeded


async def test_a_batch_of_an_invalid_item_is_a_clear_error(gateway: Gateway) -> None:
    with pytest.raises(ValueError, match="custom_id is missing"):
        [it async for it in gateway.batch([chat_item(1, custom_id=None)])]


async def test_a_batch_through_the_real_cli_leaves_no_session(gateway: Gateway) -> None:
    body = {"model": "haiku", "messages": [{"role": "user", "content": "Hi"}]}
    items = [chat_item(number, body=body, mode="claude-code") for number in range(3)]
    results = [it async for it in gateway.batch(items, concurrency=2)]
    assert [it.status for it in results] == [200] * 3
    assert await gateway.container.session_store().count() == 0


@pytest.fixture
def offline() -> SyncGateway:
    return SyncGateway.offline(Settings(claude_warm_processes=0))


def test_the_synchronous_twin_has_the_same_methods(offline: SyncGateway) -> None:
    with offline as gateway:
        answer = gateway.chat("Hi", model="gpt-4o")
        assert answer.text.startswith("[simulated]")
        stream = gateway.stream("Hi", model="gpt-4o")
        assert "".join(event.text for event in stream) == answer.text
        assert stream.answer is not None
        conversation = gateway.session(mode=CLAUDE, model="haiku")
        assert conversation.chat("Hi").session_id == conversation.id
        conversation.end()
        results = list(gateway.batch([chat_item(1), chat_item(2)]))
        assert [it.status for it in results] == [200, 200]
        with pytest.raises(GatewayError):
            gateway.chat("Hi", model="no-such-model", mode=CLAUDE)
    with pytest.raises(RuntimeError, match="with SyncGateway"):
        gateway.chat("Hi")
    assert "modegate" not in [thread.name for thread in threading.enumerate()]


def test_the_synchronous_twin_may_be_used_from_several_threads(offline: SyncGateway) -> None:
    answers: list[str] = []
    with offline as gateway:

        def ask() -> None:
            answers.extend(gateway.chat("Hi", model="gpt-4o").text for _ in range(5))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 20


def test_what_is_left_of_a_batch_or_stream_ends_with_the_gateway(offline: SyncGateway) -> None:
    with offline as gateway:
        stream = gateway.stream("Hi", model="gpt-4o")
        next(stream)
        results = gateway.batch(chat_item(number) for number in range(1000))
        next(results)
    with pytest.raises(RuntimeError, match="closed"):
        next(stream)
    results.close()
    stream.close()


INTERRUPTED = """
import os, signal, sys, threading
from modegate import SyncGateway, Settings
with SyncGateway.offline(Settings(claude_warm_processes=0)) as gateway:
    stream = gateway.stream("Hi", mode="claude-code", model="haiku")
    next(stream)
    print("ready", flush=True)
    for _ in range(10_000):
        gateway.chat("Hi", model="gpt-4o")
"""


def test_ctrl_c_ends_the_synchronous_twin_and_all_its_processes(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(2)
    _, told = process.communicate(timeout=60)
    assert process.returncode == -2, told
    assert told.strip().endswith("KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_importing_the_package_is_cheap() -> None:
    code = "import modegate, sys; print([m for m in sys.modules if m.startswith('modegate.')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_all_public_names_exist() -> None:
    import modegate  # noqa: PLC0415 - the package as users import it

    for name in modegate.__all__:
        assert getattr(modegate, name).__name__ == name
    assert set(modegate.__all__) <= set(dir(modegate))
    with pytest.raises(AttributeError, match="no_such_name"):
        modegate.no_such_name  # noqa: B018
