"""The samples of all workers of one gateway, in files of a folder that they share.

Each worker owns a slot: `N.lock`, which it keeps locked, and `N.json`, which it replaces. The kernel
releases the lock when the worker dies, however it dies. The next worker then takes the slot, and
continues its counters.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from modegate.adapters.prometheus.merging import Family, Samples, cumulative, merge

MAX_SLOTS = 10_000

log = logging.getLogger(__name__)


class WorkerSamples:
    """Publishes the samples of this process, and reads those of the others.

    Only samples that were published are exposed, those of this process included. So a counter never
    decreases, whichever worker answers, also if a worker was killed after a scrape.
    """

    def __init__(self, folder: Path) -> None:
        """Takes a free slot; raises `OSError` if the folder cannot be used."""
        self._folder = folder
        self._works = True
        self._parent = os.getppid()
        self._slot, self._lock = _claim(folder)
        self._inherited = cumulative(_read(self._slot) or ())

    def publish(self, families: Sequence[Family]) -> list[Family]:
        """Writes the samples of this process; returns them with the counters of its predecessors.

        A failure is logged once.
        """
        own = merge((families, self._inherited))
        try:
            _write(self._slot, own)
            os.utime(self._lock)  # or a cleaner of temporary files would take it for forgotten
            self._works = True
        except OSError as error:
            if self._works:
                log.error("metrics of this worker not published: %s", error.strerror)  # noqa: TRY400
            self._works = False
        return own

    def merged(self, families: Sequence[Family]) -> list[Family]:
        """Publishes the samples of this process, and returns those of all processes.

        Of a worker that has died, the counters remain.
        """
        own = self.publish(families)
        return merge((own, *self._others()))

    def close(self) -> None:
        """Releases the slot; if the supervisor has died, the last worker removes the folder."""
        os.close(self._lock)
        is_orphan = os.getppid() != self._parent
        if is_orphan and not any(map(_is_alive, self._folder.glob("*.json"))):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _others(self) -> Iterator[list[Family]]:
        for path in sorted(self._folder.glob("*.json")):
            if path != self._slot and (families := _read(path)) is not None:
                yield families if _is_alive(path) else cumulative(families)


def _claim(folder: Path) -> tuple[Path, int]:
    """Returns the file of the first free slot, and its locked descriptor."""
    for number in range(MAX_SLOTS):
        path = folder / f"{number}.json"
        lock = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
        else:
            return path, lock
    raise OSError("no free slot for metrics")


def _is_alive(path: Path) -> bool:
    """Returns whether a worker holds the slot."""
    try:
        with _lock_of(path).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _write(path: Path, families: Sequence[Family]) -> None:
    rows = [(*it[:3], list(it.samples.items())) for it in families]
    new = path.with_suffix(".new")
    new.write_bytes(orjson.dumps(rows))
    new.replace(path)


def _read(path: Path) -> list[Family] | None:
    """Returns the samples in a file; None without one."""
    try:
        rows = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return [Family(name, text, kind, _samples(samples)) for name, text, kind, samples in rows]


def _samples(rows: list[tuple[tuple[str, list[list[str]]], float]]) -> Samples:
    return {(name, tuple((it[0], it[1]) for it in labels)): value for (name, labels), value in rows}
