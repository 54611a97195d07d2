"""Claude Code as a client of `/v1/messages`: it edits files with another Claude Code behind it."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claude_agent_sdk import _bundled
from support.gateway import Gateway

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

EXECUTABLE = Path(_bundled.__path__[0]) / "claude"


async def run(gateway: Gateway, folder: Path, *arguments: str, header: str) -> dict[str, Any]:
    """Runs `claude -p` in the folder until it ends, and returns its result."""
    home = folder.parent / "client"
    home.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        str(EXECUTABLE),
        *("-p", "--model", "sonnet", "--output-format", "json"),
        *("--permission-mode", "acceptEdits", "--allowedTools=Bash,Edit,Read"),
        *arguments,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": gateway.url,
            "ANTHROPIC_API_KEY": "sk-ant-unused",
            "ANTHROPIC_CUSTOM_HEADERS": header,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, log = await process.communicate()
    assert process.returncode == 0, (told, log)
    return dict(json.loads(told))


def edit_task(folder: Path) -> Sequence[Says]:
    """Returns what the model says to make `notes.txt` blue, and to write `more.txt`."""
    notes = folder / "notes.txt"
    notes.write_text("colour: red\n")
    read = Call("Read", json.dumps({"file_path": str(notes)}))
    change = {"file_path": str(notes), "old_string": "red", "new_string": "blue"}
    write = Call("Bash", json.dumps({"command": "echo new > more.txt", "description": "Write"}))
    look = Call("Bash", json.dumps({"command": "cat notes.txt more.txt", "description": "Look"}))
    return (
        Says("Let me look.", calls=(read,)),
        Says("", calls=(Call("Edit", json.dumps(change)), write)),
        Says("", calls=(look,)),
        Says("It is blue now."),
    )


async def test_claude_code_edits_files_with_several_calls(
    both: Gateway, provider: SimulatedProvider, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    provider.script(*edit_task(work))
    done = await run(both, work, "Make the colour blue.", header="X-Claude-Code: true")
    assert (done["is_error"], done["result"]) == (False, "It is blue now.")
    assert (work / "notes.txt").read_text() == "colour: blue\n"
    assert (work / "more.txt").read_text() == "new\n"
    told = json.dumps(provider.requests[-1].json["messages"])
    assert "colour: blue" in told
    assert len(provider.requests) == 4
