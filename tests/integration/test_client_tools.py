"""With the real CLI: the model calls the client's own tools, and goes on with their results."""

import asyncio
import base64
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.pictures import PDF, PNG
from support.tool_turns import OFFER, WEATHER, Conversation, process_of, result
from support.waiting import until

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.domain.answer.events import FinishReason
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.errors import InvalidRequestError
from modegate.domain.media.kinds import MediaType
from modegate.domain.tools.calls_lost import CallsLostError
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

PARIS = Call("get_weather", '{"city": "Paris"}', "toolu_paris")
ROME = Call("get_weather", '{"city": "Rome"}', "toolu_rome")
SUNNY = result("toolu_paris", "sunny in Paris")
STRANGE = '\u2028 "quoted" \\ \n\t {} </x> \U0001f600 \u00e9 \x7f mcp__client__get_weather'

Start = Callable[..., ClaudeBackend]


@pytest.fixture
async def start(
    tmp_path: Path, environment: dict[str, str], provider: SimulatedProvider
) -> AsyncIterator[Start]:
    """Starts backends that share a state folder."""
    backends = []
    assert provider.url

    def started(**options: Any) -> ClaudeBackend:
        given: dict[str, Any] = {
            "warm_processes": 0,
            "state": tmp_path / "state",
            "environment": environment,
        }
        backends.append(ClaudeBackend(ClaudeOptions(**(given | options))))
        return backends[-1]

    yield started
    for backend in backends:
        await backend.aclose()


def talk(backend: ClaudeBackend, **options: Any) -> Conversation:
    return Conversation(backend, str(uuid.uuid4()), **options)


def told(provider: SimulatedProvider) -> list[Any]:
    """Returns what the model was told last, without what the CLI adds."""
    messages: Any = provider.requests[-1].json["messages"]
    return [it for it in messages if it["role"] != "system"]


def results_told(provider: SimulatedProvider) -> dict[str, str]:
    """Returns the results in the last message to the model, by the call's id."""
    blocks = [it for it in told(provider)[-1]["content"] if it["type"] == "tool_result"]
    return {it["tool_use_id"]: json.dumps(it["content"]) for it in blocks}


def load(backend: ClaudeBackend) -> tuple[int, int]:
    capacity = backend.status().capacity
    return capacity.active, capacity.parked


@pytest.mark.parametrize("streamed", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
async def test_a_call_ends_the_answer_and_its_result_goes_on_in_the_same_process(
    streamed: bool, start: Start, provider: SimulatedProvider
) -> None:
    backend = start()
    conversation = talk(backend, streamed=streamed)
    arguments = json.dumps({"city": STRANGE})
    for number in (1, 2):
        call = Call("get_weather", arguments, f"toolu_{number}", piece=3)
        said = "Asking mcp__client__get_weather now."
        provider.script(Says(said, calls=(call,)), Says("Here it is."))
        answer = await conversation.say("Weather?")
        assert answer.text == "Asking get_weather now."
        assert answer.finish_reason is FinishReason.TOOL_CALLS
        assert answer.calls == (ToolCall(call.id, "get_weather", arguments),)
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (925, 4)
        await until(lambda: load(backend) == (0, 1))
        answer = await conversation.ask(result(call.id, f"got {STRANGE}"))
        assert (answer.text, answer.calls) == ("Here it is.", ())
        assert answer.finish_reason is FinishReason.STOP
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (925, 3)
        assert json.dumps(f"got {STRANGE}") in results_told(provider)[call.id]
        await until(lambda: load(backend) == (0, 0))
    assert (await conversation.say("No tools?")).finish_reason is FinishReason.STOP
    assert {it["role"] for it in told(provider)} == {"user", "assistant"}
    assert len(told(provider)) == 9


@pytest.mark.parametrize("parallel", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
async def test_calls_of_one_answer_take_their_results_in_any_order(
    parallel: bool, start: Start, provider: SimulatedProvider
) -> None:
    conversation = talk(start(), offer=replace(OFFER, parallel=parallel))
    empty = Call("get_time", "", "toolu_time")
    provider.script(Says("", calls=(PARIS, ROME, empty)), Says("", calls=(replace(ROME, id="b"),)))
    answer = await conversation.say("Weather?")
    assert [it.id for it in answer.calls] == ["toolu_paris", "toolu_rome", "toolu_time"]
    assert answer.calls[2].arguments == "{}"
    failed = result("toolu_rome", "no such city", is_error=True)
    answer = await conversation.ask(result("toolu_time", ""), failed, SUNNY)
    assert [it.id for it in answer.calls] == ["b"]
    given = results_told(provider)
    assert "no such city" in given["toolu_rome"]
    assert "sunny in Paris" in given["toolu_paris"]
    assert "mcp__client__" not in given["toolu_time"]
    errors = [it for it in told(provider)[-1]["content"] if it.get("is_error")]
    assert [it["tool_use_id"] for it in errors] == ["toolu_rome"]
    provider.script(Says("Done."))
    assert (await conversation.ask(result("b", "rain"))).text == "Done."


async def test_wrong_results_are_rejected_and_the_parked_turn_waits_on(
    start: Start, provider: SimulatedProvider
) -> None:
    backend = start()
    conversation = talk(backend)
    provider.script(Says("", calls=(PARIS, ROME)), Says("Done."))
    await conversation.say("Weather?")
    rain = result("toolu_rome", "rain")
    for results, named in (
        ((SUNNY,), "missing: toolu_rome"),
        ((SUNNY, SUNNY, rain), "more than one result: toolu_paris"),
        (
            (SUNNY, rain, result("toolu_x", "?")),
            "No result is awaited for these tool calls: toolu_x",
        ),
    ):
        with pytest.raises(InvalidRequestError, match=named):
            await conversation.ask(*results)
        assert load(backend) == (0, 1)
    assert (await conversation.ask(rain, SUNNY)).text == "Done."


async def test_a_message_instead_of_results_declines_the_calls(
    start: Start, provider: SimulatedProvider
) -> None:
    conversation = talk(start())
    provider.script(Says("", calls=(PARIS, ROME)), Says("Fine."))
    await conversation.say("Weather?")
    assert (await conversation.say("Never mind, say fine.")).text == "Fine."
    given = results_told(provider)
    assert given.keys() == {"toolu_paris", "toolu_rome"}
    assert all("new message instead" in it for it in given.values())
    assert "Never mind, say fine." in json.dumps(provider.requests[-1].json["messages"])
    assert len(provider.requests) == 2


def transcripts_of(state: Path, conversation: Conversation) -> list[Path]:
    return [*state.glob(f"sessions/{conversation.session.id}/claude/projects/*/*.jsonl")]


def is_written(state: Path, conversation: Conversation) -> bool:
    """Returns whether the transcript holds the call."""
    found = transcripts_of(state, conversation)
    return any(b'"id":"toolu_paris"' in it.read_bytes() for it in found)


@asynccontextmanager
async def parked(
    start: Start, provider: SimulatedProvider, state: Path, **options: Any
) -> AsyncIterator[tuple[ClaudeBackend, Conversation]]:
    backend = start(**options)
    conversation = talk(backend)
    provider.script(Says("Well.", calls=(PARIS,)))
    await conversation.say("Weather?")
    await until(lambda: is_written(state, conversation))  # up to 0.1 s later
    yield backend, conversation


async def check_going_on(conversation: Conversation, provider: SimulatedProvider) -> None:
    provider.script(Says("Sunny."))
    assert (await conversation.ask(SUNNY)).text == "Sunny."
    assert "sunny in Paris" in results_told(provider)["toolu_paris"]
    assert [it["role"] for it in told(provider)] == ["user", "assistant", "user"]
    (await conversation.say("And now?"))
    assert len(told(provider)) == 5


@pytest.mark.parametrize("end", ["killed", "late", "drained", "one too many", "other tools"])
async def test_results_go_on_after_the_parked_process_has_ended(
    end: str, tmp_path: Path, start: Start, provider: SimulatedProvider
) -> None:
    bounds: dict[str, Any] = {"late": {"parked_patience": 0.3}, "one too many": {"parked_turns": 1}}
    options = bounds.get(end, {})
    async with parked(start, provider, tmp_path / "state", **options) as (backend, conversation):
        if end == "killed":
            os.kill(process_of(conversation.session.id), signal.SIGKILL)
        elif end == "drained":
            backend.drain()
            await backend.aclose()
            conversation.backend = start()
        elif end == "one too many":
            provider.script(Says("", calls=(ROME,)))
            await talk(backend).say("Weather?")
        elif end == "other tools":
            conversation.offer = ToolOffer((WEATHER,))
        expected = {"one too many": 1, "other tools": 1}.get(end, 0)
        await until(lambda: load(backend) == (0, expected))
        await check_going_on(conversation, provider)


@pytest.mark.parametrize("is_stored", [True, False])
async def test_results_that_reach_a_dying_process_go_on_in_another(
    is_stored: bool, tmp_path: Path, start: Start, provider: SimulatedProvider
) -> None:
    async with parked(start, provider, tmp_path / "state") as (backend, conversation):
        pid = process_of(conversation.session.id)
        os.kill(pid, signal.SIGSTOP)
        going_on = asyncio.create_task(check_going_on(conversation, provider))
        await until(lambda: load(backend) == (1, 0))
        if not is_stored:
            for path in transcripts_of(tmp_path / "state", conversation):
                path.unlink()
        os.kill(pid, signal.SIGKILL)
        if is_stored:
            await going_on
            return
        with pytest.raises(CallsLostError, match="toolu_paris"):
            await going_on
        await until(lambda: load(backend) == (0, 0))


async def test_a_client_that_leaves_after_its_results_can_send_them_again(
    tmp_path: Path, start: Start, provider: SimulatedProvider
) -> None:
    async with parked(start, provider, tmp_path / "state") as (backend, conversation):
        provider.script(Says("one two three", delay=5.0))
        async with backend.generate(conversation.turn((SUNNY,))) as events:
            async for event in events:
                if "one" in str(event):
                    break
        await until(lambda: load(backend) == (0, 0))
        await check_going_on(conversation, provider)


async def test_built_in_tools_and_the_clients_work_together(
    start: Start, provider: SimulatedProvider
) -> None:
    conversation = talk(start(tools=("Bash",)))
    echo = Call("Bash", '{"command": "echo h$((6*7))", "description": "d"}', "toolu_bash")
    again = replace(echo, id="toolu_again")
    provider.script(Says("", calls=(echo,)), Says("", calls=(again, PARIS)), Says("Done."))
    answer = await conversation.say("Weather?")
    assert [it.name for it in answer.calls] == ["get_weather"]
    assert (await conversation.ask(SUNNY)).text == "Done."
    given = results_told(provider)
    assert "h42" in given["toolu_again"]
    assert "sunny in Paris" in given["toolu_paris"]


async def test_tools_come_and_go_between_the_turns_of_a_session(
    start: Start, provider: SimulatedProvider
) -> None:
    backend = start()
    conversation = talk(backend)
    names: list[list[str]] = []
    for offer in (None, OFFER, None, ToolOffer((WEATHER,)), OFFER):
        conversation.offer = offer
        assert (await conversation.say("Hi")).text
        body: Any = provider.requests[-1].json
        names.append(sorted(it["name"].removeprefix("mcp__client__") for it in body["tools"]))
    both = ["get_time", "get_weather"]
    assert names == [[], both, [], ["get_weather"], both]
    assert len(told(provider)) == 9


async def test_a_prewarmed_process_takes_tools_after_it_has_asked_for_its_tools(
    start: Start, provider: SimulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    prewarmed: list[CliProcess] = []
    serve_tools = CliProcess.serve_tools

    def noted(process: CliProcess) -> None:
        prewarmed.append(process)
        serve_tools(process)

    monkeypatch.setattr(CliProcess, "serve_tools", noted)
    backend = start(warm_processes=1, warm_models=("sonnet",))
    await backend.prepare()
    await until(lambda: any(it.input.tools.has_listed for it in prewarmed))
    with backend.reserve("sonnet", None) as session_id:
        assert session_id
        conversation = Conversation(backend, session_id)
        provider.script(Says("", calls=(PARIS,)))
        answer = await conversation.say("Weather?")
        assert [it.name for it in answer.calls] == ["get_weather"]
    await check_going_on(conversation, provider)


async def test_a_message_of_the_user_behind_the_results_is_told_with_them(
    tmp_path: Path, start: Start, provider: SimulatedProvider
) -> None:
    async with parked(start, provider, tmp_path / "state") as (_, conversation):
        provider.script(Says("Both."))
        answer = await conversation.ask(SUNNY, text_message(Role.USER, "And be brief."))
        assert answer.text == "Both."
        assert "sunny in Paris" in results_told(provider)["toolu_paris"]
        assert "And be brief." in json.dumps(provider.requests[-1].json["messages"])


async def test_images_and_files_in_a_result_reach_the_model(
    start: Start, provider: SimulatedProvider, tmp_path: Path
) -> None:
    conversation = talk(start())
    provider.script(Says("", calls=(PARIS,)), Says("Seen."))
    await conversation.say("Weather?")
    parts = (
        TextPart("A picture:"),
        ImagePart(MediaType.PNG, PNG),
        FilePart(MediaType.TEXT, b"a text file", "notes.txt"),
        FilePart(MediaType.PDF, PDF, "report.pdf"),
    )
    answer = await conversation.ask(Message(Role.TOOL, parts, call_id="toolu_paris"))
    assert answer.text == "Seen."
    given = json.dumps(told(provider)[-1]["content"])
    assert base64.b64encode(PNG).decode() in given
    assert "a text file" in given
    assert base64.b64encode(PDF).decode() in json.dumps(told(provider)[-1])
    asked = json.dumps(provider.requests[-1].json)
    assert str(tmp_path) not in asked


async def test_no_schema_costs_a_tool(start: Start, provider: SimulatedProvider) -> None:
    schemas: list[dict[str, Any]] = [
        {"type": "object", "properties": {"city": {"type": "strin"}}},
        {"type": "object", "properties": {"the city": {"type": "string"}}},
        {"type": "object", "properties": {"city": {"maxLength": 10**400}}},
        {"type": "string", "required": "city"},
        {"type": "object", "properties": {"city": {"type": "string"}}},
    ]
    tools = [ClientTool(f"t{i}", parameters=schema) for i, schema in enumerate(schemas)]
    conversation = talk(start(), offer=ToolOffer(tuple(tools)))
    call = Call("t0", '{"city": "Paris"}', "toolu_paris")
    provider.script(Says("", calls=(call,)), Says("Sunny."))
    answer = await conversation.say("Weather?")
    assert [it.name for it in answer.calls] == ["t0"]
    body: Any = provider.requests[-1].json
    listed = {it["name"]: it["input_schema"] for it in body["tools"]}
    assert listed == {
        **{f"mcp__client__t{i}": {"type": "object"} for i in range(4)},
        "mcp__client__t4": schemas[4],
    }
    told = json.dumps(body["system"])
    assert [json.dumps(json.dumps(it))[1:-1] in told for it in schemas] == [True] * 4 + [False]
    assert (await conversation.ask(SUNNY)).text == "Sunny."
