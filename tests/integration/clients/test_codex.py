"""Codex CLI as a client of `/v1/responses`: it edits files.

Behind it is Claude Code, or an upstream that speaks chat completions or Anthropic's API.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest
from support.client_programs import npm_clients
from support.gateway import Gateway, GatewayFactory
from support.pictures import PNG
from support.strict_provider import StrictProvider, thoughts_in

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(300)]

CONFIG = Path(__file__).parents[3] / "examples" / "clients" / "codex.toml"
ADDRESS = "http://127.0.0.1:3456"
PATCH = """\
*** Begin Patch
*** Update File: notes.txt
@@
-colour: red
+colour: blue
*** End Patch
"""


class Codex:
    """Runs Codex in a folder of its own; `work` is the folder that it works in."""

    def __init__(self, packages: Path, folder: Path) -> None:
        self._program = packages / "node_modules" / ".bin" / "codex"
        self._home = folder / "codex"
        self._home.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        (self.work / "notes.txt").write_text("colour: red\n")

    def configure(self, url: str, header: str = "true", model: str = "sonnet") -> None:
        """Writes the configuration of the documentation, with other values."""
        config = CONFIG.read_text().replace(ADDRESS, url)
        config = config.replace('"true"', f'"{header}"').replace('"sonnet"', f'"{model}"')
        (self._home / "config.toml").write_text(config)

    async def exec(self, *arguments: str) -> str:
        """Runs `codex exec` until it ends, and returns its last message."""
        process = await asyncio.create_subprocess_exec(
            str(self._program),
            *("exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", *arguments),
            cwd=self.work,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "CODEX_HOME": str(self._home),
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, log = await process.communicate()
        assert process.returncode == 0, log.decode()
        return said.decode().strip()


@pytest.fixture
async def codex(tmp_path: Path) -> Codex:
    return Codex(await asyncio.to_thread(npm_clients), tmp_path)


def shell(command: str) -> Call:
    """Returns a call of Codex's tool for commands."""
    return Call("exec_command", json.dumps({"cmd": command}))


@pytest.mark.parametrize("claude", ["true", "false"])
async def test_codex_edits_files_with_several_calls_and_goes_on(
    claude: str, both: Gateway, codex: Codex, provider: SimulatedProvider
) -> None:
    codex.configure(both.url, claude)
    provider.script(
        Says("Let me look.", calls=(shell("cat notes.txt"),)),
        Says("", calls=(shell("sed -i s/red/blue/ notes.txt"), shell("echo new > more.txt"))),
        Says("", calls=(shell("cat notes.txt more.txt"),)),
        Says("It is blue now."),
        Says("You are welcome."),
    )
    assert await codex.exec("Make the colour blue.") == "It is blue now."
    assert (codex.work / "notes.txt").read_text() == "colour: blue\n"
    assert (codex.work / "more.txt").read_text() == "new\n"
    assert await codex.exec("resume", "--last", "Thank you.") == "You are welcome."
    told = json.dumps(provider.requests[-1].json["messages"])
    assert all(it in told for it in ("colour: red", "colour: blue", "It is blue now."))
    sessions = (await both.http.get("/v1/sessions")).json()["data"]
    assert len(sessions) == (1 if claude == "true" else 0)


async def test_codex_has_all_of_its_tools_under_a_models_name_that_it_knows(
    gateway: GatewayFactory, codex: Codex, provider: SimulatedProvider
) -> None:
    (codex.work / "dot.png").write_bytes(PNG)
    look = Call("view_image", json.dumps({"path": "dot.png"}))
    patch = Call("apply_patch", json.dumps({"input": PATCH}))
    provider.script(
        Says("", calls=(look,)), Says("I patch.", calls=(patch,)), Says("It is blue now.")
    )
    async with gateway(models={"gpt-5.5": "sonnet"}) as running:
        codex.configure(running.url, model="gpt-5.5")
        assert await codex.exec("Make the colour blue.") == "It is blue now."
    assert (codex.work / "notes.txt").read_text() == "colour: blue\n"
    assert '"type": "image"' in json.dumps(provider.requests[1].json["messages"])


async def test_codex_hands_thoughts_back_to_anthropics_api(
    gateway: GatewayFactory, codex: Codex
) -> None:
    upstream = StrictProvider(learns=True)
    upstream.script(
        Says("", thinking="One.", calls=(shell("cat notes.txt"),)),
        Says("It is red.", thinking="Two."),
        Says("You are welcome."),
    )
    async with upstream.running() as url:
        table = {"kind": "anthropic", "base_url": url, "credentials": [{"id": "a", "key": "sk-a"}]}
        async with gateway(upstreams={"one": table}, default_upstream="one") as running:
            codex.configure(running.url, "false", "claude-opus-5")
            effort = ("-c", "model_reasoning_effort=high")
            assert await codex.exec(*effort, "Which colour is it?") == "It is red."
            await codex.exec("resume", "--last", *effort, "Thank you.")
    asked = [it.json for it in upstream.requests if it.path == "/v1/messages"]
    told = [[thought["thinking"] for thought in thoughts_in(it)] for it in asked]
    assert told == [[], ["One."], ["One.", "Two."]]
    assert upstream.rejected == 0
