"""Turns fail in every way while clients connect and disconnect: no leak and no wrong answer.

`make chaos` runs 10,000 turns and prints the figures.
"""

import asyncio
import gc
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory
from support.serving import members
from support.waiting import requests_under_way, until

from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word

TURNS = int(os.environ.get("MODEGATE_CHAOS_TURNS", "120"))
AT_ONCE = 8
# What the allocator may retain after eight concurrent answers of 9 MB, however many turns ran.
MEMORY_MIB = 150
MARKED = "sk-ant-chaos-1234567890abcdef /home/chaos/secret\n"
HANG = {"hang": 0}
COMPLETING = {"fine", "linger", "stderr", "long-line", "orphan"}
SCRIPTS: dict[str, list[Any]] = {
    "fine": [*answer("Hello ", "there.")],
    "linger": [*answer("Hello ", "there."), HANG],
    "stderr": [{"stderr": MARKED}, *answer("Hello ", "there.")],
    "long-line": [{"long_line": 9_000_000}, *answer("Hello ", "there.")],
    "orphan": [{"orphan": 60}, {"leave_process_group": 60}, *answer("Hello ", "there.")],
    "crash-before": [{"exit": 1}],
    "crash-after": [*begin(), word("Hello"), {"kill": 9}],
    "hang-before": [HANG],
    "hang-after": [*begin(), word("Hello"), HANG],
    "garbage": [{"write": "garbage\n{]\n"}, {"exit": 0}],
    "flood": [{"flood": 11_000_000}, HANG],
    "stubborn": [{"ignore_sigterm": 0}, {"leave_process_group": 60}, *begin(), word("Hello"), HANG],
    "no-result": [*begin(), word("Hello"), {"exit": 0}],
    "noise": [{"stderr": MARKED}, {"exit": 3}],
}
KEY = "sk-cca-chaos-key"
CODES = {
    "internal_error",
    "timeout",
    "output_limit_exceeded",
    "capacity_exceeded",
    "session_busy",  # the abandoned turn is still being undone
    "session_not_found",  # the client disconnected before the session was stored
}
# Idle processes allowed at the end.
WARM, LIVE = 2, 4


class Chaos:
    """Clients that send random requests and disconnect at random."""

    def __init__(self, gateway: Gateway, seed: int) -> None:
        self._gateway = gateway
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self.outcomes: Counter[str] = Counter()

    async def client(self, turns: int) -> None:
        session = None
        for _ in range(turns):
            fault = self._random.choice(list(SCRIPTS))
            stream = self._random.random() < 0.6
            patience = self._random.choice([None, None, 0.02, 0.1, 0.3])
            goes_on = session if self._random.random() < 0.5 else None
            try:
                async with asyncio.timeout(patience):
                    response = await self._ask(fault, goes_on, stream=stream)
                self._judge(fault, stream, response)
                session = response.headers.get("X-Claude-Session-ID", session)
            except (TimeoutError, httpx2.TransportError):
                assert patience is not None
                self.outcomes["left"] += 1

    async def _ask(self, fault: str, session: str | None, *, stream: bool) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {KEY}"}
        if session:
            headers["X-Claude-Session-ID"] = session
        return await self._gateway.claude(f"[{fault}]", stream=stream, headers=headers)

    def _judge(self, fault: str, stream: bool, response: httpx2.Response) -> None:
        """Asserts that the response is well formed, fits the fault and holds no secret."""
        assert "chaos" not in response.text
        if response.status_code != 200:
            error = response.json()["error"]
            assert error.keys() == {"message", "type", "param", "code"}
            assert error["code"] in CODES, error
            self.outcomes[error["code"]] += 1
            return
        if not stream:
            assert fault in COMPLETING
            assert response.json()["choices"][0]["message"]["content"] == "Hello there."
            self.outcomes["whole"] += 1
            return
        *events, done, end = response.text.split("\n\n")
        assert (done, end) == ("data: [DONE]", "")
        cut = "stream_error" in events[-1]
        too_slow = "did not finish within" in events[-1]  # on an overloaded machine
        assert cut == (fault not in COMPLETING) or too_slow
        assert cut != ('"finish_reason":"stop"' in response.text)
        self.outcomes["cut" if cut else "streamed"] += 1


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident() -> int:
    """Returns the resident memory of this process in MiB, clients included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024**2


@pytest.mark.parametrize("converses", [pytest.param(False, marks=pytest.mark.exhaustive), True])
async def test_random_failures_and_disconnects_leak_nothing(
    converses: bool, gateway: GatewayFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    claude = ScriptedClaude(folder, converses=converses)
    waiting = WARM + LIVE if converses else 0

    def groups() -> int:
        return sum(bool(members(int(str(it["pid"])))) for it in claude.starts)

    for fault, steps in SCRIPTS.items():
        claude.script_for(f"[{fault}]", *steps)
    settings = {
        "request_timeout_ms": 1200,
        "max_concurrent_processes": 4,
        "api_key": KEY,
        "claude_warm_processes": WARM,
        "claude_live_sessions": LIVE,
    }
    async with gateway(
        claude_path=str(claude.path), max_concurrent_per_key=4 * AT_ONCE, **settings
    ) as running:
        chaos = Chaos(running, seed=7)
        backend: Any = running.container.claude_cli()
        permits: Any = running.container.admission_limiter()

        def quiet() -> bool:
            capacity = backend.status().capacity
            return not (capacity.active or capacity.queued or permits.taken or requests_under_way())

        await chaos.client(4)  # one-time allocations happen before the baseline
        await until(quiet)
        before = (descriptors(), len(asyncio.all_tasks()), resident())
        each = TURNS // AT_ONCE
        await asyncio.gather(*(chaos.client(each) for _ in range(AT_ONCE)))
        await until(quiet)
        await until(lambda: groups() <= waiting)
        gc.collect()
        # Connections of disconnected clients are closed; at most one idle one per client stays.
        await until(lambda: descriptors() <= before[0] + 2 * AT_ONCE + 4 * waiting)
        await until(lambda: len(asyncio.all_tasks()) <= before[1] + 2)
        after = (descriptors(), len(asyncio.all_tasks()), resident())
        print(f"{dict(chaos.outcomes)}\ndescriptors, tasks, MiB: {before} before, {after} after")
        assert after[2] - before[2] < MEMORY_MIB
        fine = await running.claude("[fine]", headers={"Authorization": f"Bearer {KEY}"})
        assert fine.status_code == 200
        # A client that disconnects while its session is being stored may leave only the directory.
        await running.container.expire_sessions().execute()
        listed = await running.http.get("/v1/sessions", headers={"Authorization": f"Bearer {KEY}"})
        known = {session["id"] for session in listed.json()["data"]}
        kept = {path.name for path in (tmp_path / "state" / "sessions").iterdir()}
        unknown = kept - known - backend._processes.unused  # noqa: SLF001 - the prewarmed ones
        assert not unknown, "directories without a session"
    await until(lambda: not groups())
    await until(lambda: not any(map(members, claude.escaped_pids)))
    assert chaos.outcomes["left"] > 0
    assert chaos.outcomes["streamed"] > 0
