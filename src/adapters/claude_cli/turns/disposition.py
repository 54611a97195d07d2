"""What each end of a turn does to its process and its conversation, as a table."""

from dataclasses import fields
from enum import Enum, auto

from modegate.adapters.claude_cli.turns.states import TurnState
from modegate.lazy_dataclass import dataclass


class Disposition(Enum):
    """What to do with the process and the conversation of a turn that has ended."""

    KEEP = auto()  # return the process
    INTERRUPT = auto()  # interrupt the CLI's turn, and return the process
    UNDO = auto()  # interrupt, remove the turn from the conversation, and return the process
    INTERRUPT_AND_STOP = auto()  # interrupt the CLI's turn so that it is stored, then stop
    STOP = auto()  # stop the process; the transcript stays as it is
    VERIFY = auto()  # stop, and cut the transcript if it lacks the end of the turn
    CUT_TRANSCRIPT = auto()  # stop, and cut the transcript to its length before the turn
    DISCARD_FOLDER = auto()  # stop, and remove the session's folder


# After these the process is idle, and serves the session's next turn.
RETURNS_PROCESS = frozenset({Disposition.KEEP, Disposition.INTERRUPT, Disposition.UNDO})


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFacts:
    """What is known of a turn at its end, besides how it ended."""

    has_process: bool
    owns_folder: bool  # whether the session's folder was made for this turn
    reusable: bool  # whether the pool wants the process, and the process can take another turn
    interruptible: bool  # whether the process can be told to end its turn
    doubtful: bool  # whether the disk may have lost part of the transcript
    resumed: bool  # whether the session had turns before
    answered: bool  # whether the last event of the answer was made
    known: bool  # whether a client has received part of the answer, or will
    cli_ended: bool  # whether the CLI has ended its own turn
    refused: bool  # whether the model withheld its last message


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table: it applies where every column that is set equals the fact.

    `usable` means that the process can be returned: reusable, no doubt, and in time. At its
    deadline a turn can no longer be interrupted.
    """

    then: Disposition
    reason: str
    has_process: bool | None = None
    owns_folder: bool | None = None
    usable: bool | None = None
    interruptible: bool | None = None
    failed: bool | None = None
    doubtful: bool | None = None
    resumed: bool | None = None
    answered: bool | None = None
    known: bool | None = None
    cli_ended: bool | None = None
    refused: bool | None = None

    def applies(self, end: TurnState, facts: TurnFacts) -> bool:
        """Returns whether the row applies to a turn that ended in `end`."""
        expired = end is TurnState.EXPIRED
        derived = {
            "usable": facts.reusable and not facts.doubtful and not expired,
            "interruptible": facts.interruptible and not expired,
            "failed": end is TurnState.FAILED,
        }
        return all(
            expected is None or expected == derived.get(name, getattr(facts, name, None))
            for name, expected in ((name, getattr(self, name)) for name in COLUMNS)
        )


COLUMNS = tuple(it.name for it in fields(Row) if it.name not in {"then", "reason"})

# The first row that applies decides.
ROWS = (
    Row(
        has_process=False,
        owns_folder=True,
        then=Disposition.DISCARD_FOLDER,
        reason="No process started, and no turn has used the folder.",
    ),
    Row(
        has_process=False,
        then=Disposition.STOP,
        reason="No process started, and the folder holds earlier turns, or does not exist.",
    ),
    Row(
        refused=True,
        resumed=True,
        then=Disposition.CUT_TRANSCRIPT,
        reason="After a refusal a model also refuses what follows (Anthropic's documentation of "
        "the stop reason `refusal`). A first turn is kept: without it there is no session.",
    ),
    Row(
        usable=True,
        answered=True,
        cli_ended=True,
        then=Disposition.KEEP,
        reason="The process waits for the next turn.",
    ),
    Row(
        usable=True,
        answered=True,
        failed=False,
        then=Disposition.INTERRUPT,
        reason="The answer ended before the CLI's turn; the conversation keeps the text so far.",
    ),
    Row(
        answered=True,
        doubtful=True,
        then=Disposition.VERIFY,
        reason="The client has the answer, but the disk may not hold it.",
    ),
    Row(
        interruptible=True,
        answered=True,
        cli_ended=False,
        failed=False,
        then=Disposition.INTERRUPT_AND_STOP,
        reason="The answer ended before the CLI's turn, and the process is not kept. Stopped at "
        "once, it would not store the text so far.",
    ),
    Row(
        answered=True,
        then=Disposition.STOP,
        reason="The client has the answer, and the conversation keeps it.",
    ),
    Row(
        usable=True,
        resumed=True,
        failed=False,
        then=Disposition.UNDO,
        reason="The client left, and will send the turn again.",
    ),
    Row(
        usable=True,
        known=True,
        failed=False,
        then=Disposition.INTERRUPT,
        reason="The client left a first turn whose session it knows; without it there is none.",
    ),
    Row(
        resumed=True,
        then=Disposition.CUT_TRANSCRIPT,
        reason="The client will send the failed turn again.",
    ),
    Row(
        interruptible=True,
        known=True,
        failed=False,
        then=Disposition.INTERRUPT_AND_STOP,
        reason="The client left a first turn, and the process is not kept. Stopped at once, it would "
        "not store the text so far.",
    ),
    Row(
        known=True,
        then=Disposition.STOP,
        reason="The client knows the new session, so its folder stays.",
    ),
    Row(
        then=Disposition.DISCARD_FOLDER,
        reason="No client knows the new session.",
    ),
)


def dispose(end: TurnState, facts: TurnFacts) -> Row:
    """Returns the row of the table that applies to a turn that ended in `end`."""
    return next(row for row in ROWS if row.applies(end, facts))
