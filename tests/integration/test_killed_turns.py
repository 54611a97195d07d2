"""What a killed gateway leaves of a turn, at each moment of the kill."""

import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.serving import members
from support.turn_bench import EARLIER, HANG, OWN, REFUSAL, SPEAKS, Bench
from support.waiting import until

from modegate.adapters.claude_cli.process import cli_process
from modegate.adapters.claude_cli.session_folder import transcript_rollback, turn_mark
from modegate.adapters.claude_cli.turns.states import TurnEvent
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.answer.events import Finished
from modegate.domain.errors import StorageError
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word

NEXT = "next\n"


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    return ScriptedClaude(tmp_path, converses=True)


@pytest.fixture
async def bench(
    tmp_path: Path, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(cli_process, "INTERRUPT_TIMEOUT_S", 30.0)
    monkeypatch.setattr(cli_process, "REWIND_TIMEOUT_S", 30.0)
    made = Bench(tmp_path, claude)
    await made.earlier_turn()
    yield made
    await made.pool.aclose()
    await until(lambda: not any(map(members, made.pids)))


async def nothing(_: TurnRun) -> None:
    """The kill comes as soon as the prompt was sent."""


async def first_word(run: TurnRun) -> None:
    await anext(run.chunks())


async def all_but_the_end(run: TurnRun) -> None:
    chunks = run.chunks()
    for _ in range(3):
        assert not isinstance(await anext(chunks), Finished)


async def the_end(run: TurnRun) -> None:
    async for chunk in run.chunks():
        if isinstance(chunk, Finished):
            return


async def settled(run: TurnRun) -> None:
    assert [chunk async for chunk in run.chunks()]
    assert run.leave()
    await run.settle()


async def undone(run: TurnRun) -> None:
    await anext(run.chunks())
    assert run.leave()
    await run.settle()


@pytest.fixture
async def another(bench: Bench, tmp_path: Path) -> AsyncIterator[Bench]:
    """Another gateway on the same state folder, for the same session."""
    made = Bench(tmp_path, bench.claude, turn=bench.turn)
    yield made
    await made.pool.aclose()


def kill(bench: Bench) -> None:
    """Leaves what a killed gateway leaves: processes that run on, and a lock that is free."""
    if bench.pool.acquired is not None:
        bench.pool.acquired.release_lock()


async def next_turn_on(bench: Bench) -> str:
    """Has a turn in another gateway; returns the transcript at its start."""
    bench.claude.script(*answer("Hello"))
    run = bench.run(resume=True)
    await run.begin()
    found = bench.transcript.read_text()
    await settled(run)
    return found


@pytest.mark.parametrize(
    ("script", "until_kill", "left"),
    [
        ((HANG,), nothing, EARLIER),
        (SPEAKS, first_word, EARLIER),
        (answer("Hello"), all_but_the_end, EARLIER),
        (answer("Hello"), the_end, EARLIER + OWN),
        (answer("Hello"), settled, EARLIER + OWN),
        ((*begin(), word("Hel"), REFUSAL), the_end, EARLIER),
        (SPEAKS, undone, EARLIER),
    ],
)
async def test_the_next_turn_finds_an_unanswered_turn_undone_and_an_answered_one_kept(
    script: tuple[Any, ...],
    until_kill: Callable[[TurnRun], Awaitable[None]],
    left: str,
    bench: Bench,
    another: Bench,
) -> None:
    bench.claude.script(*script)
    await until_kill(await bench.begun(resume=True))
    kill(bench)
    assert await next_turn_on(another) == left


async def test_a_process_of_the_killed_gateway_writes_nothing_after_the_undo(
    bench: Bench, another: Bench
) -> None:
    bench.claude.script(HANG)
    await bench.begun(resume=True)
    kill(bench)
    await next_turn_on(another)
    await until(lambda: not members(bench.pids[0]))


async def test_a_turn_after_an_undone_one_is_undone_with_it(bench: Bench, another: Bench) -> None:
    bench.claude.script(*SPEAKS)
    await undone(await bench.begun(resume=True))
    await bench.begun(resume=True)
    assert len({*bench.pids}) == 1
    kill(bench)
    assert await next_turn_on(another) == EARLIER


async def test_an_undone_turn_stays_undone_if_its_process_is_killed_at_once(bench: Bench) -> None:
    bench.claude.script(*SPEAKS)
    await undone(await bench.begun(resume=True))
    os.kill(bench.pids[0], signal.SIGKILL)
    await until(lambda: not bench.pool.idle)
    assert await next_turn_on(bench) == EARLIER


async def test_a_turn_answered_after_an_undone_one_is_kept(bench: Bench, another: Bench) -> None:
    bench.claude.script(*SPEAKS)
    await undone(await bench.begun(resume=True))
    bench.claude.script(*answer("Hello"))
    await the_end(await bench.begun(resume=True))
    kill(bench)
    assert await next_turn_on(another) == EARLIER + OWN + OWN


@pytest.mark.parametrize("content", ["", '{"process": "p", "si', "[]", '{"process": "p"}'])
async def test_an_incomplete_mark_undoes_nothing(
    content: str, bench: Bench, another: Bench
) -> None:
    (bench.folder / turn_mark.NAME).write_text(content)
    kill(bench)
    assert await next_turn_on(another) == EARLIER


async def test_no_prompt_is_sent_before_its_mark_is_stored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(turn_mark, "write", fail)
    turns = len(bench.claude.turns)
    run = bench.run(resume=True)
    with pytest.raises(StorageError):
        await run.begin()
    assert run.advance(TurnEvent.ERROR)
    await run.settle()
    assert len(bench.claude.turns) == turns


async def test_a_mark_that_cannot_be_written_leaves_no_file(bench: Bench) -> None:
    (bench.folder / turn_mark.NAME).mkdir()  # writing and removing both fail
    folder = await bench.workspace.prepare(bench.turn.session.id)
    with pytest.raises(StorageError):
        await transcript_rollback.mark(folder, "process")


async def test_a_rollback_that_failed_is_repeated_by_the_next_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    bench.claude.script({"exit": 1})
    run = await bench.begun(resume=True)
    with monkeypatch.context() as broken:
        broken.setattr(os, "truncate", fail)
        assert run.leave()
        await run.settle()
    assert "could not be removed from its conversation" in caplog.text
    assert bench.transcript.read_text() == EARLIER + OWN
    assert await next_turn_on(bench) == EARLIER


async def test_the_mark_of_a_settled_turn_is_removed(bench: Bench) -> None:
    bench.claude.script(*answer("Hello"))
    run = await bench.begun(resume=True)
    assert json.loads((bench.folder / turn_mark.NAME).read_text())["sizes"] == {
        "projects/work/one.jsonl": len(EARLIER)
    }
    await settled(run)
    assert not (bench.folder / turn_mark.NAME).exists()
