import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from modegate.adapters.claude_cli.process.descriptors import limit_descriptors, require_descriptors


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The open descriptors; opening a fourth one raises EMFILE."""
    held: list[int] = []

    def fake_open(*_: object) -> int:
        if len(held) == 3:
            raise OSError(errno.EMFILE, "Too many open files")
        held.append(len(held))
        return held[-1]

    monkeypatch.setattr(os, "open", fake_open)
    monkeypatch.setattr(os, "close", held.remove)
    yield held
    monkeypatch.undo()


@pytest.mark.parametrize("number", [1, 3])
def test_require_descriptors_closes_the_descriptors_it_opens(
    number: int, opened: list[int]
) -> None:
    require_descriptors(number)
    assert opened == []


def test_require_descriptors_raises_if_too_few_are_free_and_closes_them(opened: list[int]) -> None:
    with pytest.raises(OSError, match="Too many open files"):
        require_descriptors(4)
    assert opened == []


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux has prlimit")
def test_limit_descriptors_sets_the_soft_limit_of_a_child() -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE
    ) as child:
        limit_descriptors(child.pid, 100)
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE)[0] == 100
        limit_descriptors(child.pid, None)
        assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE)[0] == 100
        child.communicate(b"\n")
    limit_descriptors(child.pid, 100)  # no-op: the process has exited
