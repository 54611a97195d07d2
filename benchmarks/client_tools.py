"""Turns of Claude Code with a client's tools, compared with turns without.

    .venv/bin/python -m benchmarks.client_tools --rounds 9

Each round takes all measurements in turn, against a simulated model. A new turn runs on a prewarmed
process. With `--parked N`, N turns are parked and answered, and the growth is reported.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from pathlib import Path

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.tools.offered_tools import PREFIX
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import TextDelta, ToolCallStarted
from modegate.domain.conversation.message import Message, Role, TextPart, text_message
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.domain.turn import Turn
from modegate.simulator.anthropic_api import offered_names
from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
OFFER = ToolOffer(tuple(ClientTool(f"tool_{i}", f"Tool {i}", CITY) for i in range(5)))
CALL = Says("", calls=(Call("tool_1", '{"city": "Paris"}', "toolu_1"),))
RESULT = Message(Role.TOOL, (TextPart("sunny"),), call_id="toolu_1")
HELLO = text_message(Role.USER, "Hello")


async def first_ms(backend: ClaudeBackend, turn: Turn) -> float:
    """Returns the milliseconds to the first text or call of a turn, and runs it to its end."""
    began, first = time.perf_counter(), 0.0
    async with backend.generate(turn) as events:
        async for event in events:
            if not first and isinstance(event, TextDelta | ToolCallStarted):
                first = (time.perf_counter() - began) * 1000
    return first


def turn_of(session_id: str, message: Message, offer: ToolOffer | None, *, resume: bool) -> Turn:
    """Returns a streamed turn of a session."""
    return Turn(
        cli_model="sonnet",
        prompt=Prompt("Be brief.", (message,)),
        session=Session.start(SessionId(session_id), ClientId("a"), 0.0),
        resume=resume,
        streamed=True,
        tools=offer,
    )


def check_offered(provider: SimulatedProvider, offer: ToolOffer | None) -> None:
    """Checks that the last request to the model had the client's tools."""
    told = [it for it in offered_names(provider.requests[-1].json) if it.startswith(PREFIX)]
    if len(told) != (len(offer.tools) if offer else 0):
        raise SystemExit("the tools did not reach the model")


async def new_turn_ms(
    backend: ClaudeBackend, provider: SimulatedProvider, offer: ToolOffer | None
) -> tuple[float, float, float]:
    """Returns the times of a new turn, of going on after a result, and of a later turn."""
    while not backend.status().capacity.warm:  # noqa: ASYNC110 - it reports no event
        await asyncio.sleep(0.05)
    await asyncio.sleep(2.0)  # until the process has loaded
    with backend.reserve("sonnet", None) as session_id:
        provider.script(*([CALL] if offer else []))
        new = await first_ms(backend, turn_of(str(session_id), HELLO, offer, resume=False))
        check_offered(provider, offer)
        going_on = 0.0
        if offer:
            turn = turn_of(str(session_id), RESULT, offer, resume=True)
            going_on = await first_ms(backend, turn)
        later = await first_ms(backend, turn_of(str(session_id), HELLO, offer, resume=True))
    await backend.delete(SessionId(str(session_id)))
    return new, going_on, later


def size() -> tuple[int, int, int]:
    """Returns the resident memory in KiB, the descriptors and the tasks of this process."""
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    pages = os.sysconf("SC_PAGE_SIZE") // 1024
    return resident * pages, len([*Path("/proc/self/fd").iterdir()]), len(asyncio.all_tasks())


async def park(backend: ClaudeBackend, provider: SimulatedProvider) -> None:
    """Parks a turn of a new session, answers it, and deletes the session."""
    session_id = str(uuid.uuid4())
    provider.script(CALL)
    await first_ms(backend, turn_of(session_id, HELLO, OFFER, resume=False))
    await first_ms(backend, turn_of(session_id, RESULT, OFFER, resume=True))
    await backend.delete(SessionId(session_id))
    provider.requests.clear()


async def run(rounds: int, parked: int) -> None:
    """Runs the measurements and prints them."""
    provider = SimulatedProvider()
    with tempfile.TemporaryDirectory() as folder:
        async with provider.running() as url:
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": folder,
                "ANTHROPIC_API_KEY": "sk-ant-bench",
                "ANTHROPIC_BASE_URL": url,
            }
            options = ClaudeOptions(
                state=Path(folder),
                environment=environment,
                warm_processes=0 if parked else 1,
                warm_models=("sonnet",),
            )
            backend = ClaudeBackend(options)
            await backend.prepare()
            try:
                await (
                    _growth(backend, provider, parked)
                    if parked
                    else _times(backend, provider, rounds)
                )
            finally:
                await backend.aclose()


async def _times(backend: ClaudeBackend, provider: SimulatedProvider, rounds: int) -> None:
    without, having, going_on, later = [], [], [], []
    for _ in range(rounds):
        plain = await new_turn_ms(backend, provider, None)
        tools = await new_turn_ms(backend, provider, OFFER)
        without.append(plain[0])
        having.append(tools[0])
        going_on.append(tools[1])
        later.append(tools[2])
    median = statistics.median
    print(f"new turn without tools   {median(without):6.0f} ms, fastest {min(without):.0f}")
    print(f"new turn with 5 tools    {median(having):6.0f} ms, fastest {min(having):.0f}")
    print(f"going on after a result  {median(going_on):6.0f} ms, fastest {min(going_on):.0f}")
    print(f"later live turn          {median(later):6.0f} ms, fastest {min(later):.0f}")
    ratio = median(a / b for a, b in zip(having, without, strict=True))
    print(f"5 tools : none           {ratio:6.2f}")
    print(
        f"going on : later turn    {median(a / b for a, b in zip(going_on, later, strict=True)):6.2f}"
    )


async def _growth(backend: ClaudeBackend, provider: SimulatedProvider, parked: int) -> None:
    for _ in range(5):
        await park(backend, provider)
    before = size()
    for _ in range(parked):
        await park(backend, provider)
    print("KiB, descriptors and tasks before and after:", before, size())


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--parked", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(run(options.rounds, options.parked))


if __name__ == "__main__":
    main()
