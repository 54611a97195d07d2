"""Claude Code as a client of `/v1/messages`: it edits files.

Behind it is another Claude Code, or an upstream that speaks chat completions.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import _bundled
from support.gateway import Gateway

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

CHAT = "/v1/chat/completions"
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


@pytest.mark.parametrize("claude", ["true", "false"])
async def test_claude_code_edits_files_with_several_calls(
    claude: str, both: Gateway, provider: SimulatedProvider, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    provider.script(*edit_task(work))
    done = await run(both, work, "Make the colour blue.", header=f"X-Claude-Code: {claude}")
    assert (done["is_error"], done["result"]) == (False, "It is blue now.")
    assert (work / "notes.txt").read_text() == "colour: blue\n"
    assert (work / "more.txt").read_text() == "new\n"
    told = json.dumps(provider.requests[-1].json["messages"])
    assert "colour: blue" in told
    asked = [it.path for it in provider.requests]
    assert set(asked) == {"/v1/messages?beta=true" if claude == "true" else CHAT}
    assert len(asked) == 4


@pytest.mark.exhaustive
async def test_claude_code_uses_a_tool_that_it_has_searched_for(
    both: Gateway, provider: SimulatedProvider, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    query = json.dumps({"query": "select:WebFetch", "max_results": 1})
    provider.script(Says("", calls=(Call("ToolSearch", query),)), Says("Found."))
    done = await run(both, work, "Find a tool.", header="X-Claude-Code: false")
    assert (done["is_error"], done["result"]) == (False, "Found.")
    last: Any = provider.requests[-1].json
    assert "Tool: WebFetch" in last["messages"][-1]["content"]
    assert "WebFetch" in [it["function"]["name"] for it in last["tools"]]
