from pathlib import Path

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.entrypoints.container import live_container
from modegate.entrypoints.settings import Settings


class Closable:
    """Stands for an adapter that has something to close."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_what_is_in_a_container_is_closed_when_it_is_left(tmp_path: Path) -> None:
    claude, upstream = Closable(), Closable()
    async with live_container(Settings(modegate_state_dir=tmp_path)) as container:
        container.claude_cli.override(claude)
        container.passthrough_backend.override(upstream)
        container.session_store.override(MemorySessionStore())  # which has nothing to close
        assert claude.closed == upstream.closed == 0
    assert claude.closed == upstream.closed == 1
