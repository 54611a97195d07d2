"""Codex CLI as a client of `/v1/responses`: it edits files with Claude Code behind it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.client_programs import npm_clients
from support.gateway import Gateway

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(300)]

CONFIG = Path(__file__).parents[3] / "examples" / "clients" / "codex.toml"
ADDRESS = "http://127.0.0.1:3456"


class Codex:
    """Runs Codex in a folder of its own; `work` is the folder that it works in."""

    def __init__(self, program: Path, url: str, folder: Path) -> None:
        self._program = program
        self.home = folder / "codex"
        self.work = folder / "work"
        self.work.mkdir()
        self.home.mkdir()
        config = CONFIG.read_text().replace(ADDRESS, url)
        (self.home / "config.toml").write_text(config)

    async def exec(self, *arguments: str) -> str:
        """Runs `codex exec` until it ends, and returns its last message."""
        process = await asyncio.create_subprocess_exec(
            str(self._program),
            *("exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", *arguments),
            cwd=self.work,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "CODEX_HOME": str(self.home)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, log = await process.communicate()
        assert process.returncode == 0, log.decode()
        return said.decode().strip()


@pytest.fixture
async def codex(both: Gateway, tmp_path: Path) -> Codex:
    program = await asyncio.to_thread(npm_clients)
    return Codex(program / "node_modules" / ".bin" / "codex", both.url, tmp_path)


def shell(command: str, **options: Any) -> Call:
    """Returns a call of Codex's tool for commands."""
    return Call("exec_command", json.dumps({"cmd": command, **options}))


async def test_codex_edits_a_file_with_several_calls(
    codex: Codex, provider: SimulatedProvider
) -> None:
    (codex.work / "notes.txt").write_text("colour: red\n")
    provider.script(
        Says("Let me look.", calls=(shell("cat notes.txt"),)),
        Says("", calls=(shell("sed -i s/red/blue/ notes.txt"), shell("echo new > more.txt"))),
        Says("", calls=(shell("cat notes.txt more.txt"),)),
        Says("It is blue now."),
    )
    assert await codex.exec("Make the colour blue.") == "It is blue now."
    assert (codex.work / "notes.txt").read_text() == "colour: blue\n"
    assert (codex.work / "more.txt").read_text() == "new\n"
    told = json.dumps(provider.requests[-1].json["messages"])
    assert "colour: red" in told
    assert "colour: blue" in told
