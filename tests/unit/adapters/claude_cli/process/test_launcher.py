from pathlib import Path

import pytest

from modegate.adapters.claude_cli.command.command_line import Features, Launch
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.domain.errors import BackendUnavailableError
from modegate.domain.session import SessionId

ONE = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")


@pytest.mark.parametrize(
    ("failure", "raised", "says"),
    [
        (OSError(24, "Too many open files"), BackendUnavailableError, "too few file descriptors"),
        (OSError(2, "No such file"), BackendUnavailableError, "is missing"),
        (RuntimeError("can't start new thread"), RuntimeError, "new thread"),
    ],
)
async def test_a_failed_start_releases_the_session_lock(
    failure: Exception,
    raised: type[Exception],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_launcher: Launcher, _process: CliProcess, _features: Features) -> None:
        raise failure

    async def features(_launcher: Launcher) -> Features:
        return Features(frozenset())

    monkeypatch.setattr(Launcher, "_spawn", fail)
    monkeypatch.setattr(Launcher, "features", features)
    options = ClaudeOptions(state=tmp_path, executable="/bin/true")
    launcher = Launcher(options, SessionDirectories(tmp_path))
    with pytest.raises(raised, match=says):
        await launcher.start(Launch(ONE, ONE, "sonnet"))
    workspace = SessionDirectories(tmp_path)
    workspace.lock(await workspace.prepare(ONE)).acquire()  # raises if it is still locked
