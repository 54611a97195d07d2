"""What is written to a process for its turns, without a process."""

import json
from typing import Any

from modegate.adapters.claude_cli.process.settings_channel import RefusedSettings, SettingsChannel
from modegate.adapters.claude_cli.process.turn_input import TurnInput
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.tools.client_tool import ClientTool, ToolOffer

TOOLS = OfferedTools(ToolOffer((ClientTool("f", "", {}),)), 1000)


def a_process() -> TurnInput:
    return TurnInput(SettingsChannel({}, "v1", RefusedSettings(), None))


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def kinds(data: bytes) -> list[str]:
    return [it.get("request", it).get("subtype", it["type"]) for it in lines(data)]


def start_of(prompt: bytes) -> dict[str, object]:
    sent = lines(prompt)[-1]
    return {"type": "command_lifecycle", "state": "started", "command_uuid": sent["uuid"]}


def test_only_the_first_turn_gives_instructions() -> None:
    process = a_process()

    assert kinds(process.ask(Prompt.of_text("a", "s"))) == ["initialize", "user"]
    assert kinds(process.ask(Prompt.of_text("b", "s"))) == ["user"]


def test_instructions_and_a_schema_cannot_change() -> None:
    process = a_process()
    assert process.accepts(Prompt.of_text("a", "s"), schema="{}")

    process.ask(Prompt.of_text("a", "s"), schema="{}")

    assert process.accepts(Prompt.of_text("b", "s"), schema="{}")
    assert not process.accepts(Prompt.of_text("b", "t"), schema="{}")
    assert not process.accepts(Prompt.of_text("b", "s"))


def test_tools_are_offered_and_taken_away_but_not_replaced() -> None:
    process = a_process()
    others = OfferedTools(ToolOffer((ClientTool("g", "", {}),)), 1000)

    process.ask(Prompt.of_text("a"), tools=TOOLS)

    assert process.offers(TOOLS)
    assert not process.offers(None)
    assert not process.accepts(Prompt.of_text("b"), others)


def test_a_late_event_of_an_interrupted_turn_is_not_of_the_next_one() -> None:
    process = a_process()
    process.ask(Prompt.of_text("a"))
    late: dict[str, object] = {"type": "result"}
    assert list(process.of_this_turn([late])) == [late]  # of the first turn, so its own

    begins = start_of(process.ask(Prompt.of_text("b")))

    assert list(process.of_this_turn([late, begins, late])) == [begins, late]
    assert process.turn_confirmed


def test_a_turn_is_removed_by_its_prompt() -> None:
    process = a_process()
    sent = lines(process.ask(Prompt.of_text("a")))[-1]

    assert process.rewind(forget=False) == b""  # nothing was cut
    assert sent["uuid"] in process.rewind(forget=True).decode()


def test_a_turn_without_a_prompt_cannot_be_removed() -> None:
    process = a_process()

    process.ask(Prompt("", ()))

    assert process.rewind(forget=True) == b""
