"""Answers that must call a tool."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from modegate.application.answering.required_call import generate_as_chosen
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    Started,
    TextDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.errors import (
    BackendCrashedError,
    GatewayError,
    SchemaValidationError,
    ToolChoiceNotFollowedError,
)
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer
from modegate.testing.answer_backend import CUT_USAGE, USAGE, ScriptedBackend, calls, says
from modegate.testing.turns import answer_turn

CALL = ToolCall("call_a", "get", "{}")
TWICE = USAGE.plus(USAGE)


class Asked:
    """A turn, what it yields, and what it was found to use if it was cut."""

    def __init__(self, backend: ScriptedBackend, calling: Calling = Calling.REQUIRED) -> None:
        offer = ToolOffer((ClientTool("get"), ClientTool("put")), calling, frozenset({"get"}))
        self.cut: list[Usage] = []
        self.stored: list[str | None] = []
        self.turn = replace(
            answer_turn("Hi", system="Be brief."),
            tools=offer,
            on_cut=lambda usage, _: self.cut.append(usage),
            on_stored=self._store,
        )
        self.seen: list[AnswerEvent] = []
        self._backend = backend

    async def _store(self, _: str | None, transcript: str | None, __: str = "") -> bool:
        self.stored.append(transcript)
        return True

    async def read(self) -> Sequence[AnswerEvent]:
        async with generate_as_chosen(self._backend, self.turn) as events:
            async for event in events:
                self.seen.append(event)
        return self.seen

    @property
    def text(self) -> str:
        return "".join(it.text for it in self.seen if isinstance(it, TextDelta))


@pytest.mark.parametrize("calling", [Calling.AUTO, Calling.NONE])
async def test_without_a_required_call_the_answer_is_handed_on(calling: Calling) -> None:
    backend = ScriptedBackend()
    assert tuple(await Asked(backend, calling).read()) == says("Hello ", "there.")
    assert len(backend.turns) == 1


async def test_an_answer_with_a_call_is_handed_on_with_its_text() -> None:
    script = calls(CALL, text="I look.")
    asked = Asked(ScriptedBackend(*script))
    assert tuple(await asked.read()) == script
    assert asked.cut == []


async def test_an_answer_without_a_call_is_discarded_and_asked_for_again() -> None:
    backend = ScriptedBackend(*calls(CALL, text="Now."))
    backend.script_next(Started("cli-1"), *says("No.")[1:])
    asked = Asked(backend)
    seen = await asked.read()
    assert [type(it) for it in seen].count(Started) == 1
    assert asked.text == "Now."
    assert any(isinstance(it, ToolCallStarted) for it in seen)
    assert seen[-1] == Finished(FinishReason.TOOL_CALLS, TWICE)
    first, second = backend.turns
    assert "`get`" in second.prompt.text
    assert "put" not in second.prompt.text
    assert (second.prompt.system, second.resume) == ("Be brief.", True)
    assert (second.session.id, second.session.cli_session_id) == (first.session.id, "cli-1")
    assert second.tools == first.tools
    assert backend.open == 0


async def test_nothing_is_shown_before_the_call() -> None:
    backend = ScriptedBackend(*says("No.", "No.")[:-1], BackendCrashedError("x"))
    asked = Asked(backend)
    with pytest.raises(BackendCrashedError):
        await asked.read()
    assert asked.seen == [Started()]
    assert asked.cut == [CUT_USAGE]


async def test_a_second_answer_without_a_call_is_an_error_and_its_usage_is_known() -> None:
    backend = ScriptedBackend(*says("No."))
    asked = Asked(backend)
    with pytest.raises(ToolChoiceNotFollowedError) as caught:
        await asked.read()
    assert (caught.value.param, len(backend.turns)) == ("tool_choice", 2)
    assert asked.seen == [Started()]
    assert asked.cut == [TWICE]


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
async def test_an_answer_that_could_not_go_on_is_handed_out(reason: FinishReason) -> None:
    backend = ScriptedBackend(*says("I can", reason=reason))
    asked = Asked(backend)
    assert (await asked.read())[-1] == Finished(reason, USAGE)
    assert (asked.text, len(backend.turns)) == ("I can", 1)


async def test_a_second_attempt_that_fails_counts_with_the_first() -> None:
    backend = ScriptedBackend(*says("No."))
    backend.script_next(*says("No."))
    backend.script_next(Started(), GatewayError("x"))
    asked = Asked(backend)
    with pytest.raises(GatewayError):
        await asked.read()
    assert asked.cut == [USAGE.plus(CUT_USAGE)]


async def test_a_client_that_disconnects_stops_the_second_attempt() -> None:
    backend = ScriptedBackend(*says("No."))
    backend.script_next(*says("No."))
    backend.script_next(*calls(CALL))
    asked = Asked(backend)
    async with generate_as_chosen(backend, asked.turn) as events, aclosing(events) as seen:  # type: ignore[type-var]
        async for event in seen:
            if isinstance(event, ToolCallStarted):
                break
    assert backend.open == 0
    assert asked.cut == [USAGE.plus(CUT_USAGE)]


async def test_the_second_attempt_goes_on_from_the_stored_first() -> None:
    backend = ScriptedBackend(*says("No."))
    asked = Asked(backend)
    async with generate_as_chosen(backend, asked.turn) as events:
        assert await anext(events) == Started()
        await backend.turns[0].on_stored("cli-1", "v1")
        with pytest.raises(ToolChoiceNotFollowedError):
            await anext(events)
    session = backend.turns[1].session
    assert (session.transcript, session.turns, session.cli_session_id) == ("v1", 1, "cli-1")
    assert asked.stored == ["v1"]


def rejected(fault: str) -> Finished:
    return Finished(FinishReason.STOP, USAGE, rejected=fault)


async def test_a_rejected_document_is_asked_for_again_with_its_fault() -> None:
    backend = ScriptedBackend(*says("[1]"))
    backend.script_next(Started("cli-1"), MessageStarted(), rejected("0: 2 is not 1"))
    asked = Asked(backend, Calling.AUTO)
    asked.turn = replace(asked.turn, output=OutputFormat({"type": "array"}))
    seen = await asked.read()
    assert [type(it) for it in seen] == [Started, MessageStarted, TextDelta, Finished]
    assert (asked.text, seen[-1]) == ("[1]", Finished(FinishReason.STOP, TWICE))
    second = backend.turns[1]
    assert "0: 2 is not 1" in second.prompt.text
    assert (second.resume, second.session.cli_session_id) == (True, "cli-1")
    assert second.output is not None
    assert second.output.requests == 2


async def test_a_document_that_is_rejected_twice_is_an_error() -> None:
    backend = ScriptedBackend(Started(), rejected("x"))
    asked = Asked(backend, Calling.AUTO)
    asked.turn = replace(asked.turn, output=OutputFormat())
    with pytest.raises(SchemaValidationError):
        await asked.read()
    assert (len(backend.turns), asked.cut) == (2, [TWICE])
