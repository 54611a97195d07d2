"""What each end of a turn leaves: its process, its slot, its folder and its transcript."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.serving import members
from support.turn_bench import EARLIER, HANG, OWN, REFUSAL, SPEAKS, Bench
from support.waiting import until

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.process import cli_process
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.session_folder import transcript_rollback
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.turns.states import TurnEvent, TurnState
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.errors import (
    BackendCrashedError,
    BackendUnavailableError,
    SessionBusyError,
    TurnTimeoutError,
)
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word
from modegate.testing.turns import answer_turn


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
    yield made
    await made.pool.aclose()
    await until(lambda: not any(map(members, made.pids)))


async def read_all(run: TurnRun) -> bool:
    assert [chunk async for chunk in run.chunks()]
    return run.leave()


async def fail(run: TurnRun) -> bool:
    with pytest.raises(BackendCrashedError):
        _ = [chunk async for chunk in run.chunks()]
    return run.advance(TurnEvent.ERROR)


async def leave_at_once(run: TurnRun) -> bool:
    return run.leave()


async def leave_after_the_first_event(run: TurnRun) -> bool:
    chunks = run.chunks()
    await anext(chunks)
    await chunks.aclose()
    return run.leave()


async def expire(run: TurnRun) -> bool:
    return run.expire()


async def expire_after_the_first_event(run: TurnRun) -> bool:
    chunks = run.chunks()
    await anext(chunks)
    ended = run.expire()
    await chunks.aclose()
    return ended


DIES = ({"exit": 1},)
DIES_LATER = (*begin(), word("Hello"), {"exit": 1})


@pytest.mark.parametrize(
    ("resume", "script", "act", "end", "idle", "left"),
    [
        (False, answer("Hello"), read_all, "COMPLETED", True, OWN),
        (True, answer("Hello"), read_all, "COMPLETED", True, EARLIER + OWN),
        (False, (*begin(), REFUSAL), read_all, "COMPLETED", True, OWN),
        (True, (*begin(), REFUSAL), read_all, "COMPLETED", False, EARLIER),
        (False, DIES, fail, "FAILED", False, None),
        (True, DIES, fail, "FAILED", False, EARLIER),
        (False, DIES_LATER, fail, "FAILED", False, OWN),
        (True, DIES_LATER, fail, "FAILED", False, EARLIER),
        (False, (HANG,), leave_at_once, "CANCELLED", False, None),
        (True, (HANG,), leave_at_once, "CANCELLED", False, EARLIER),
        (False, SPEAKS, leave_after_the_first_event, "CANCELLED", True, OWN),
        (False, (HANG,), expire, "EXPIRED", False, None),
        (True, (HANG,), expire, "EXPIRED", False, EARLIER),
        (False, SPEAKS, expire_after_the_first_event, "EXPIRED", False, OWN),
        (True, SPEAKS, expire_after_the_first_event, "EXPIRED", False, EARLIER),
    ],
)
async def test_what_an_end_leaves(
    resume: bool,
    script: tuple[Any, ...],
    act: Callable[[TurnRun], Any],
    end: str,
    idle: bool,
    left: str | None,
    bench: Bench,
) -> None:
    if resume:
        await bench.earlier_turn()
    bench.claude.script(*script)
    run = await bench.begun(resume=resume)
    assert await act(run)
    assert run.lifecycle.state is TurnState[end]
    assert bench.slots.active == 1
    await run.settle()
    assert run.lifecycle.state is (TurnState.RETURNED if idle else TurnState.STOPPED)
    assert bench.slots.active == 0
    assert bench.pool.idle == idle
    if not idle:
        await until(lambda: not any(map(members, bench.pids)))
    assert bench.folder.exists() == (left is not None)
    assert left is None or bench.transcript.read_text() == left
    bench.workspace.lock(await bench.workspace.prepare(run.turn.session.id)).acquire()


async def test_a_resumed_turn_whose_client_left_is_undone_and_its_process_stays(
    bench: Bench,
) -> None:
    await bench.earlier_turn()
    bench.claude.script(*SPEAKS)
    run = await bench.begun(resume=True)
    assert await leave_after_the_first_event(run)
    await run.settle()
    assert run.lifecycle.state is TurnState.RETURNED
    assert len(bench.pids) == bench.pool.idle == 1


async def test_a_process_that_takes_one_turn_is_stopped_after_its_answer(
    tmp_path: Path, claude: ScriptedClaude
) -> None:
    bench = Bench(tmp_path, claude, oneshot=True)
    await bench.earlier_turn()
    claude.script(*answer("Hello"))
    run = await bench.begun(resume=True)
    assert await read_all(run)
    await run.settle()
    assert run.lifecycle.state is TurnState.STOPPED
    assert bench.transcript.read_text() == EARLIER + OWN
    assert not any(map(members, bench.pids))
    await bench.pool.aclose()


async def test_a_refused_turn_that_is_removed_is_not_reported_as_lost(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.earlier_turn()
    bench.claude.script(*begin(), REFUSAL)
    run = await bench.begun(resume=True)
    with bench.transcript.open("a") as file:
        file.write('{"type": "us')  # as a disk that was full for a moment leaves it
    assert await read_all(run)
    with caplog.at_level(logging.ERROR):
        await run.settle()
    assert bench.transcript.read_text() == EARLIER
    assert not caplog.messages


@pytest.mark.parametrize("holds", [True, False])
async def test_an_answered_turn_on_a_doubtful_disk_is_kept_whole_or_removed(
    holds: bool, bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def doubts(*_: object) -> bool:
        return True

    await bench.earlier_turn()
    bench.claude.script(*answer("Hello"))
    monkeypatch.setattr(transcript_rollback, "is_doubtful", doubts)
    run = bench.run(resume=True)
    await run.begin()
    whole = EARLIER + '{"type": "user"}\n' + ('{"type": "assistant"}\n' if holds else "")
    bench.transcript.write_text(whole)
    assert await read_all(run)
    with caplog.at_level(logging.ERROR):
        await run.settle()
    assert run.lifecycle.state is TurnState.STOPPED
    assert bench.transcript.read_text() == (whole if holds else EARLIER)
    assert ("storage lost the last turn" in caplog.text) != holds


async def idle_process_gone_at_its_turn(bench: Bench) -> tuple[TurnRun, CliProcess]:
    """A turn that was sent to an idle process which does not take it, because it is stopped."""
    await bench.earlier_turn()
    (pid,) = bench.pids
    os.kill(pid, signal.SIGSTOP)
    run = await bench.begun(resume=True)
    process = bench.pool.acquired
    assert process is not None
    assert process.child.pid == pid
    return run, process


async def test_an_idle_process_that_exits_before_its_turn_is_replaced(bench: Bench) -> None:
    run, process = await idle_process_gone_at_its_turn(bench)
    os.kill(process.child.pid, signal.SIGKILL)
    assert await read_all(run)
    await run.settle()
    assert len(bench.pids) == 2
    assert bench.pool.idle == 1


async def test_no_process_is_started_for_a_turn_whose_time_is_over(bench: Bench) -> None:
    run, process = await idle_process_gone_at_its_turn(bench)
    # The deadline passes as the exit is reported: before the end of the output, or after it.
    settling: list[asyncio.Task[None]] = []

    def pass_deadline() -> None:
        assert run.expire()
        settling.append(asyncio.create_task(run.settle()))

    process.child.on_exit = pass_deadline
    os.kill(process.child.pid, signal.SIGKILL)
    with pytest.raises((TurnTimeoutError, BackendCrashedError)):
        _ = [chunk async for chunk in run.chunks()]
    await asyncio.gather(*settling)
    assert run.lifecycle.state is TurnState.STOPPED
    assert bench.pool.starts == 1
    assert bench.slots.active == bench.pool.idle == 0


async def test_another_gateways_turn_survives_a_replacement_that_fails(bench: Bench) -> None:
    run, process = await idle_process_gone_at_its_turn(bench)
    elsewhere = SessionDirectories(bench.options.state)
    lock = elsewhere.lock(await elsewhere.prepare(run.turn.session.id))

    def take_over() -> None:
        lock.acquire()
        bench.transcript.write_text(EARLIER + "of another\n")

    bench.pool.before_start = take_over  # type: ignore[method-assign]
    os.kill(process.child.pid, signal.SIGKILL)
    with pytest.raises(SessionBusyError):
        _ = [chunk async for chunk in run.chunks()]
    assert run.advance(TurnEvent.ERROR)
    await run.settle()
    assert bench.transcript.read_text() == EARLIER + "of another\n"
    lock.release()


def in_one_write(*steps: Any) -> dict[str, str]:
    return {"write": "".join(json.dumps(step["emit"]) + "\n" for step in steps)}


async def test_a_slow_reader_gets_no_answer_that_is_removed_from_the_conversation(
    bench: Bench,
) -> None:
    await bench.earlier_turn()
    bench.claude.script(in_one_write(*answer("Hello ", "there.")))
    run = await bench.begun(resume=True)
    chunks = run.chunks()
    await anext(chunks)
    assert run.expire()
    await run.settle()
    assert bench.transcript.read_text() == EARLIER
    with pytest.raises(TurnTimeoutError):
        _ = [chunk async for chunk in chunks]


async def test_a_slow_reader_whose_answer_had_ended_gets_the_end(bench: Bench) -> None:
    await bench.earlier_turn()
    bench.claude.script(*answer("Hello"))
    run = await bench.begun(resume=True)
    chunks = run.chunks()
    read: list[AnswerEvent] = []
    while not run.translator.finished:
        read.append(await anext(chunks))
    assert run.expire()
    await run.settle()
    assert [chunk async for chunk in chunks] == []
    assert bench.transcript.read_text() == EARLIER + OWN
    assert run.lifecycle.state is TurnState.STOPPED


async def test_a_reserved_process_that_cannot_be_replaced_leaves_no_folder(
    tmp_path: Path, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_to_spawn(*_: object) -> None:
        raise OSError(24, "Too many open files")

    claude.script(*answer("Hello"))
    options = Bench(tmp_path, claude, warm_processes=1).options
    backend = ClaudeBackend(options)
    async with AsyncExitStack() as ended:
        ended.push_async_callback(backend.aclose)
        async with backend.generate(answer_turn()) as events:
            assert [event async for event in events]
        await until(lambda: backend.status().capacity.warm == 1)
        session_id = ended.enter_context(backend.reserve("sonnet", None))
        assert session_id is not None
        os.utime(claude.path, ns=(1, 1))  # an update: processes started before are outdated
        monkeypatch.setattr(Launcher, "_spawn", fail_to_spawn)
        turn = answer_turn(session_id=session_id)
        with pytest.raises(BackendUnavailableError):
            async with backend.generate(turn) as events:
                await anext(events)
        assert backend.status().capacity.active == 0
        assert not (options.state / "sessions" / session_id).exists()
