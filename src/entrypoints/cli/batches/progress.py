"""Shows the progress of a batch on standard error."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from tqdm import tqdm

from modegate.domain.batches.item import ItemResult

# Seconds between lines where standard error is no terminal.
LINE_INTERVAL_S = 10.0
MINUTE_S, HOUR_S = 60, 3600


class Figures:
    """What a run has done so far; `total` is None where it is unknown."""

    def __init__(self, total: int | None, done_before: int) -> None:
        self.total = total
        self.done_before = done_before
        self.done = self.failed = self.tokens = 0
        self.cost_usd = 0.0
        self.unpriced = 0
        self.started = time.monotonic()

    def add(self, result: ItemResult) -> None:
        """Counts a result."""
        self.done += 1
        self.failed += not result.succeeded
        if result.usage is not None:
            self.tokens += result.usage.total_tokens
        if result.cost_usd is not None:
            self.cost_usd += result.cost_usd
        elif result.succeeded:
            self.unpriced += 1

    @property
    def rate(self) -> float:
        """Results a second in this run."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    @property
    def spent(self) -> str:
        """The tokens and the cost."""
        cost = f"${self.cost_usd:.4f}"
        return f"{self.tokens} tokens, {cost}" + (
            f" and {self.unpriced} without a price" if self.unpriced else ""
        )

    def line(self) -> str:
        """Returns the progress in one line."""
        done = self.done_before + self.done
        of = "" if self.total is None else f" of {self.total}"
        parts = [f"{done}{of} done", f"{self.failed} failed", f"{self.rate:.1f}/s", self.spent]
        if self.total is not None and self.done:
            parts.append(f"{_span((self.total - done) / self.rate)} left")
        return "modegate: " + ", ".join(parts)


class Progress(Protocol):
    """Shows figures until its context is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self) -> None:
        """Shows the figures after a result."""
        ...


def progress_of(figures: Figures) -> Progress:
    """Returns a bar for a terminal, else a line now and then."""
    return _Bar(figures) if sys.stderr.isatty() else _Lines(figures)


class _Bar:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._bar = tqdm(
            total=figures.total,
            initial=figures.done_before,
            unit="req",
            dynamic_ncols=True,
            file=sys.stderr,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.close()

    def show(self) -> None:
        figures = self._figures
        self._bar.set_postfix_str(f"{figures.failed} failed, {figures.spent}", refresh=False)
        self._bar.update()


class _Lines:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._next = time.monotonic() + LINE_INTERVAL_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def show(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LINE_INTERVAL_S
            print(self._figures.line(), file=sys.stderr, flush=True)


def _span(seconds: float) -> str:
    if seconds >= HOUR_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / MINUTE_S:.0f} min" if seconds >= MINUTE_S else f"{seconds:.0f} s"
