"""What each end does, over the product of all facts."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import product

import pytest

from modegate.adapters.claude_cli.turns.disposition import (
    RETURNS_PROCESS,
    ROWS,
    Disposition,
    TurnFacts,
    dispose,
)
from modegate.adapters.claude_cli.turns.states import ENDS, TurnState

NAMES = [field.name for field in fields(TurnFacts)]


def facts(*true: str) -> TurnFacts:
    assert set(true) <= set(NAMES)
    return TurnFacts(**{name: name in true for name in NAMES})


def every_end() -> Iterator[tuple[TurnState, TurnFacts]]:
    """The ends and facts that can occur together, and those that cannot."""
    for end, values in product(
        sorted(ENDS, key=lambda it: it.name), product((False, True), repeat=10)
    ):
        yield end, TurnFacts(**dict(zip(NAMES, values, strict=True)))


def expected(end: TurnState, it: TurnFacts) -> Disposition:
    """The rules as prose, one question after the other."""
    if not it.has_process:
        return Disposition.DISCARD_FOLDER if it.owns_folder else Disposition.STOP
    undone = it.refused and it.resumed
    usable = it.reusable and not it.doubtful and end is not TurnState.EXPIRED
    if usable and not undone:
        if it.answered and it.cli_ended:
            return Disposition.KEEP
        if end is not TurnState.FAILED and (it.answered or it.resumed or it.known):
            is_left = it.resumed and not it.answered
            return Disposition.UNDO if is_left else Disposition.INTERRUPT
    is_interruptible = it.interruptible and end not in {TurnState.EXPIRED, TurnState.FAILED}
    if it.answered and not undone:
        then = not_kept(is_interruptible=is_interruptible and not it.cli_ended)
        return Disposition.VERIFY if it.doubtful else then
    if it.resumed:
        return Disposition.CUT_TRANSCRIPT
    return not_kept(is_interruptible=is_interruptible) if it.known else Disposition.DISCARD_FOLDER


def not_kept(*, is_interruptible: bool) -> Disposition:
    return Disposition.INTERRUPT_AND_STOP if is_interruptible else Disposition.STOP


def test_every_combination_of_end_and_facts() -> None:
    for end, given in every_end():
        assert dispose(end, given).then is expected(end, given), (end, given)


def test_every_row_decides_a_combination_and_has_its_own_reason() -> None:
    decided = {id(dispose(end, given)) for end, given in every_end()}
    assert decided == {id(row) for row in ROWS}
    assert len({row.reason for row in ROWS}) == len(ROWS)


DONE = ("has_process", "answered", "known", "cli_ended")


@pytest.mark.parametrize(
    ("end", "given", "then", "reason"),
    [
        ("FAILED", ("owns_folder",), "DISCARD_FOLDER", "No process started, and no turn"),
        ("FAILED", ("resumed",), "STOP", "No process started, and the folder holds"),
        ("CANCELLED", (), "STOP", "No process started, and the folder holds"),
        ("COMPLETED", (*DONE, "reusable", "resumed"), "KEEP", "waits for the next turn"),
        ("COMPLETED", (*DONE, "reusable"), "KEEP", "waits for the next turn"),
        ("COMPLETED", (*DONE, "reusable", "resumed", "refused"), "CUT_TRANSCRIPT", "a refusal"),
        ("COMPLETED", (*DONE, "reusable", "refused"), "KEEP", "waits for the next turn"),
        ("COMPLETED", (*DONE, "doubtful", "resumed", "refused"), "CUT_TRANSCRIPT", "a refusal"),
        ("COMPLETED", DONE, "STOP", "has the answer, and the conversation keeps it"),
        ("COMPLETED", (*DONE, "reusable", "doubtful"), "VERIFY", "the disk may not hold it"),
        ("COMPLETED", (*DONE[:-1], "reusable"), "INTERRUPT", "before the CLI's turn"),
        ("COMPLETED", (*DONE[:-1], "interruptible"), "INTERRUPT_AND_STOP", "before the CLI's turn"),
        ("COMPLETED", DONE[:-1], "STOP", "has the answer, and the conversation keeps it"),
        ("EXPIRED", (*DONE, "reusable"), "STOP", "has the answer, and the conversation keeps it"),
        ("EXPIRED", ("has_process", "reusable", "resumed"), "CUT_TRANSCRIPT", "send the failed"),
        ("EXPIRED", ("has_process", "reusable", "known"), "STOP", "knows the new session, so"),
        ("EXPIRED", ("has_process", "reusable"), "DISCARD_FOLDER", "No client knows"),
        ("CANCELLED", ("has_process", "reusable", "resumed"), "UNDO", "will send the turn again"),
        ("CANCELLED", ("has_process", "resumed"), "CUT_TRANSCRIPT", "send the failed"),
        ("CANCELLED", ("has_process", "reusable", "known"), "INTERRUPT", "left a first turn"),
        (
            "CANCELLED",
            ("has_process", "interruptible", "known"),
            "INTERRUPT_AND_STOP",
            "left a first",
        ),
        ("CANCELLED", ("has_process", "reusable"), "DISCARD_FOLDER", "No client knows"),
        ("FAILED", ("has_process", "reusable", "resumed"), "CUT_TRANSCRIPT", "send the failed"),
        ("FAILED", ("has_process", "reusable", "known"), "STOP", "knows the new session, so"),
        ("FAILED", ("has_process", "reusable"), "DISCARD_FOLDER", "No client knows"),
        ("FAILED", (*DONE, "reusable"), "KEEP", "waits for the next turn"),
    ],
)
def test_an_end_and_its_reason(end: str, given: tuple[str, ...], then: str, reason: str) -> None:
    row = dispose(TurnState[end], facts(*given))
    assert row.then is Disposition[then]
    assert reason in row.reason


def test_an_expired_turn_never_returns_its_process() -> None:
    for end, given in every_end():
        if end is TurnState.EXPIRED or given.doubtful or not given.reusable:
            assert dispose(end, given).then not in RETURNS_PROCESS


def test_a_folder_with_earlier_turns_is_never_discarded_while_a_process_had_it() -> None:
    for end, given in every_end():
        if given.resumed and given.has_process:
            assert dispose(end, given).then is not Disposition.DISCARD_FOLDER
