"""One session's folder, and the errors of the state folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modegate.domain.storage import fault_of, storage_error
from modegate.lazy_dataclass import dataclass

LOCK = "lock"

log = logging.getLogger(__name__)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Logs an OSError and converts it to an error for clients.

    Raises:
        StorageError: in place of OSError.
    """
    try:
        yield
    except OSError as error:
        log.error("state folder could not be used: %s", error.strerror)  # noqa: TRY400
        raise storage_error(fault_of(error)) from error


@dataclass(frozen=True, slots=True)
class SessionDirectory:
    """A session's folders: `work` is empty; `config` holds the CLI's files and the transcript."""

    work: Path
    config: Path

    @property
    def lock(self) -> Path:
        """The lock file, which names the gateway that used the session last."""
        return self.config.parent / LOCK

    @property
    def temporary(self) -> Path:
        """The folder for the CLI's temporary files."""
        return self.config.parent / "tmp"

    def transcripts(self) -> dict[Path, int]:
        """Returns every transcript with its size in bytes."""
        return {path: path.stat().st_size for path in self.config.glob("projects/*/*.jsonl")}
