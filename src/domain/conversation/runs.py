"""The order of an answer's thoughts, texts and calls, where it is not the usual one.

Usually thoughts come first, then a text, then calls. An answer may also think or speak between its
calls. An API takes its thoughts back only in their places.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate, islice, pairwise
from typing import TypeVar

from modegate.lazy_dataclass import dataclass

Thought = TypeVar("Thought")
Call = TypeVar("Call")


class RunKind(StrEnum):
    """What a run consists of, in the usual order."""

    THOUGHT = "thought"
    TEXT = "text"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Run:
    """A thought of `size` characters, a text of `size` characters, or `size` calls."""

    kind: RunKind
    size: int


Runs = tuple[Run, ...]
USUAL = list(RunKind)


class GrowingRuns:
    """Collects the runs of an answer as it comes; each small piece adds to a number only."""

    __slots__ = ("_done", "_kind", "_size")

    def __init__(self) -> None:
        self._done: list[Run] = []
        self._kind: RunKind | None = None  # of the run at the end
        self._size = 0

    def add(self, kind: RunKind, size: int) -> bool:
        """Adds to the run at the end, or begins one; returns whether it has begun one."""
        if self._kind is kind:
            self._size += size
            return False
        self.end()
        self._kind, self._size = kind, size
        return True

    def end(self) -> None:
        """Ends the run, so that what follows is another one."""
        if self._kind is not None:
            self._done.append(Run(self._kind, self._size))
            self._kind = None

    @property
    def thoughts(self) -> tuple[int, ...]:
        """The sizes of the thoughts so far."""
        return sizes_of_thoughts(self._so_far)

    @property
    def runs(self) -> Runs:
        """The runs so far; empty if their order is the usual one."""
        places = [USUAL.index(it.kind) for it in self._so_far]
        is_usual = all(first <= second for first, second in pairwise(places))
        return () if is_usual else self._so_far

    @property
    def _so_far(self) -> Runs:
        last = () if self._kind is None else (Run(self._kind, self._size),)
        return (*self._done, *last)


def sizes_of_thoughts(runs: Iterable[Run]) -> tuple[int, ...]:
    """Returns the sizes of the thoughts among the runs."""
    return tuple(it.size for it in runs if it.kind is RunKind.THOUGHT)


def divided(text: str, sizes: Iterable[int]) -> list[str]:
    """Returns the pieces of a text that have these sizes."""
    return [text[begin:end] for begin, end in pairwise((0, *accumulate(sizes)))]


def in_order(
    runs: Runs, thoughts: Sequence[Thought], texts: Sequence[str], calls: Sequence[Call]
) -> Iterator[Thought | str | Call]:
    """Yields the thoughts, the texts and the calls of an answer; the usual order without `runs`.

    A run of which nothing is left, such as a thought that was removed, yields nothing.
    """
    if not runs:
        yield from thoughts
        yield from texts
        yield from calls
        return
    text, at = "".join(texts), 0
    left, following = iter(thoughts), iter(calls)
    for run in runs:
        if run.kind is RunKind.THOUGHT:
            yield from islice(left, 1)
        elif run.kind is RunKind.CALL:
            yield from islice(following, run.size)
        else:
            yield text[at : at + run.size]
            at += run.size
