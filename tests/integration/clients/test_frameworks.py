"""Agents of several frameworks call tools over each dialect that they speak, in both modes.

Behind them is the real CLI, or an upstream that speaks chat completions only, with one model.

The programs are in `tests/clients`. Each asks two questions: for the first one, the model calls a
tool twice at once, then once with a failure. The second one goes on with the whole conversation.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.client_programs import CLIENTS, npm_clients, python_clients
from support.gateway import Gateway

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(300)]

CITIES = ("Paris", "Rome", "Atlantis")
PARIS, ROME, ATLANTIS = (
    Call("get_weather", json.dumps({"city": it}), f"toolu_{it.lower()}") for it in CITIES
)
LOOP = (
    Says("Let me look.", calls=(PARIS, ROME)),
    Says("And there?", calls=(ATLANTIS,)),
    Says("Sunny in both."),
    Says("You are welcome."),
)
ANSWERS = ["Sunny in both.", "You are welcome."]
DIALECTS = {
    "openai_tools.py": ("chat", "responses"),
    "langchain_agent.py": ("chat", "responses", "messages"),
    "pydantic_agent.py": ("chat", "responses", "messages"),
    "anthropic_tools.py": ("messages",),
    "openai_tools.js": ("chat",),
    "anthropic_tools.js": ("messages",),
    "vercel.js": ("chat", "compatible", "responses", "messages"),
}
KINDS = ("whole", "streamed")
MODELS = {"claude-code": "claude-code/sonnet", "openai-passthrough": "gpt-4o"}
CASES = [
    (program, dialect, kind, mode)
    for program, dialects in DIALECTS.items()
    for dialect in dialects
    for kind in KINDS
    for mode in MODELS
    if (program, kind) != ("openai_tools.py", "whole")
]


async def run(program: str, *arguments: str, gateway: Gateway) -> Any:
    """Runs a program against the gateway and returns what it prints."""
    if program.endswith(".js"):
        folder = await asyncio.to_thread(npm_clients)
        shutil.copy(CLIENTS / program, folder)
        command: tuple[str | Path, ...] = ("node", folder / program)
    else:
        command = (await asyncio.to_thread(python_clients), CLIENTS / program)
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": f"{gateway.url}/v1",
            "OPENAI_API_KEY": "unused",
            "ANTHROPIC_BASE_URL": gateway.url,
            "ANTHROPIC_API_KEY": "unused",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    return json.loads(printed.splitlines()[-1])


def results_told(provider: SimulatedProvider) -> dict[str, str]:
    """Returns the results that the model has been told last, by the ids of their calls."""
    messages: Any = provider.requests[-1].json["messages"]
    if provider.requests[-1].path == "/v1/chat/completions":
        results = [it for it in messages if it["role"] == "tool"]
        return {it["tool_call_id"]: json.dumps(it["content"]) for it in results}
    blocks = [it for message in messages for it in message["content"] if isinstance(it, dict)]
    results = [it for it in blocks if it["type"] == "tool_result"]
    return {it["tool_use_id"]: json.dumps(it["content"]) for it in results}


@pytest.mark.parametrize(("program", "dialect", "kind", "mode"), CASES)
async def test_a_tool_loop_runs_and_the_conversation_goes_on(
    program: str, dialect: str, kind: str, mode: str, both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(*LOOP)
    assert await run(program, dialect, kind, MODELS[mode], gateway=both) == ANSWERS
    # The upstream is asked once whether it speaks the Responses API.
    assert sum(it.path != "/v1/responses" for it in provider.requests) == len(LOOP)
    told = results_told(provider)
    assert told.keys() == {PARIS.id, ROME.id, ATLANTIS.id}
    assert "sunny in Paris" in told[PARIS.id]
    assert "sunny in Rome" in told[ROME.id]
    assert "no such city" in told[ATLANTIS.id]


@pytest.mark.parametrize("mode", MODELS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dialect", ["chat", "responses"])
async def test_an_agent_hands_over_to_another_one(
    dialect: str, kind: str, mode: str, both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("", calls=(Call("transfer_to_weather", "{}", "toolu_over"),)), *LOOP)
    assert await run("agents_sdk.py", dialect, kind, MODELS[mode], gateway=both) == ANSWERS
    told = results_told(provider)
    assert told.keys() == {"toolu_over", PARIS.id, ROME.id, ATLANTIS.id}
    assert "no such city" in told[ATLANTIS.id]
    asked = json.dumps(provider.requests[-1].json)
    assert "You know the weather." in asked
    assert "You find who knows." not in asked
