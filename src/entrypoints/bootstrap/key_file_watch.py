"""Reads key files again when they change."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from modegate.application.ports.configuration_source import ReplaceableSource
from modegate.domain.credentials.credential import Credential
from modegate.entrypoints.bootstrap.background import BackgroundTask
from modegate.entrypoints.config.upstreams.credentials import KeyFile
from modegate.entrypoints.config.upstreams.secrets import SecretError
from modegate.lazy_dataclass import dataclass

# Seconds between two looks.
LOOK_INTERVAL_S = 0.5
# Seconds in which a changed file must not change again, so that it is read when it is complete.
SETTLE_S = 0.05

# What differs if a file, or the target of a symbolic link to it, was changed or replaced.
Mark = tuple[int, ...]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Followed:
    """The files, what was seen of each, and the faults that were reported."""

    files: Sequence[KeyFile]
    seen: dict[str, Mark] = field(default_factory=dict)
    reported: dict[str, str] = field(default_factory=dict)


class KeyFileWatch:
    """Replaces credentials in the configuration when their key files change.

    A file without a usable key is reported once, and the old key stays.
    """

    def __init__(self, files: Sequence[KeyFile], source: ReplaceableSource) -> None:
        self._followed = _Followed(files)
        self._source = source
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the background task, if there are key files; returns immediately."""
        if self._followed.files:
            self._task.start()

    def follow(self, files: Sequence[KeyFile]) -> None:
        """Looks at these files from now on, and reads each of them again."""
        self._followed = _Followed(files)
        if files and not self._task.is_started:
            self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        while True:
            try:
                followed = self._followed
                # In a thread: the files may be on a slow network file system.
                found = await asyncio.to_thread(self.look)
                if followed is self._followed:  # else a reload has read others meanwhile
                    self._take_over(found)
            except Exception:
                log.exception("look at key files failed, will retry")
            await asyncio.sleep(LOOK_INTERVAL_S)

    def look(self) -> Mapping[str, Credential]:
        """Returns the credentials of the files that changed since the last look, by id."""
        followed = self._followed
        marks = {file.id: mark_of(file.path) for file in followed.files}
        changed = [it for it in followed.files if marks[it.id] != followed.seen.get(it.id)]
        if changed:
            time.sleep(SETTLE_S)
        return dict(_read(changed, marks, followed))

    def _take_over(self, found: Mapping[str, Credential]) -> None:
        before = self._source.current()
        old = {it.id: it for upstream in before.routes.upstreams for it in upstream.credentials}
        current = {
            name: _as_replacement(it, old[name]) for name, it in found.items() if name in old
        }
        after = before.with_credentials(current)
        if after is before:
            return
        self._source.replace(after)
        for name, it in current.items():
            if it.key != old[name].key:
                log.info("key of %s replaced by that of its file", name)


def _read(
    files: Sequence[KeyFile], marks: Mapping[str, Mark], followed: _Followed
) -> Iterator[tuple[str, Credential]]:
    for file in files:
        try:
            credential = file.read()
        except SecretError as error:
            _report(file.id, str(error), followed.reported)
            continue
        # A change from before the reading until now is left to the next look.
        if mark_of(file.path) == marks[file.id]:
            followed.seen[file.id] = marks[file.id]
            followed.reported.pop(file.id, None)
            yield file.id, credential


def _report(credential_id: str, fault: str, reported: dict[str, str]) -> None:
    if reported.get(credential_id) != fault:
        reported[credential_id] = fault
        log.error("key file of %s not used, the old key stays: %s", credential_id, fault)


def _as_replacement(found: Credential, old: Credential) -> Credential:
    """Returns a credential as read from its file, in place of the old one.

    The configured expiry is that of the key which the file had at the start, or at the reload.
    """
    is_void = found.key != old.key or old.expires_at is None
    return replace(found, expires_at=None) if is_void else found


def mark_of(path: Path) -> Mark:
    """Returns what identifies the present content of a file; empty without a file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
