"""What all turns share."""

from dataclasses import field

from modegate.adapters.claude_cli.archive.archived_sessions import ArchivedSessions
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.pool.slots import Slots
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.turns.unstored_turns import UnstoredTurns
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class TurnResources:
    """The options, slots, processes and session folders that turns work with.

    Without an `archive` sessions stay on this machine.
    """

    options: ClaudeOptions
    slots: Slots
    processes: ProcessPool
    workspace: SessionDirectories
    archive: ArchivedSessions | None = None
    unstored: UnstoredTurns = field(default_factory=UnstoredTurns)
