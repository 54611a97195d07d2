"""Reads key files again when they change."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from modegate.application.ports.configuration_source import ReplaceableSource
from modegate.domain.credentials.credential import Credential
from modegate.entrypoints.config.upstreams.credentials import KeyFile
from modegate.entrypoints.config.upstreams.secrets import SecretError

# Seconds between two looks.
LOOK_INTERVAL_S = 0.5
# Seconds in which a changed file must not change again, so that it is read when it is complete.
SETTLE_S = 0.05

# What differs if a file, or the target of a symbolic link to it, was changed or replaced.
Mark = tuple[int, ...]

log = logging.getLogger(__name__)


class KeyFileWatch:
    """Replaces credentials in the configuration when their key files change.

    A file without a usable key is reported once, and the old key stays.
    """

    def __init__(self, files: Sequence[KeyFile], source: ReplaceableSource) -> None:
        self._files = files
        self._source = source
        self._seen: dict[str, Mark] = {}
        self._reported: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the background task, if there are key files; returns immediately."""
        if self._files:
            self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stops the background task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            try:
                # In a thread: the files may be on a slow network file system.
                self._take_over(await asyncio.to_thread(self.look))
            except Exception:
                log.exception("look at key files failed, will retry")
            await asyncio.sleep(LOOK_INTERVAL_S)

    def look(self) -> Mapping[str, Credential]:
        """Returns the credentials of the files that changed since the last look, by id."""
        marks = {file.id: mark_of(file.path) for file in self._files}
        changed = [it for it in self._files if marks[it.id] != self._seen.get(it.id)]
        if changed:
            time.sleep(SETTLE_S)
        return dict(self._read(changed, marks))

    def _read(
        self, files: Sequence[KeyFile], marks: Mapping[str, Mark]
    ) -> Iterator[tuple[str, Credential]]:
        for file in files:
            try:
                credential = file.read()
            except SecretError as error:
                self._report(file.id, str(error))
                continue
            # A change from before the reading until now is left to the next look.
            if mark_of(file.path) == marks[file.id]:
                self._seen[file.id] = marks[file.id]
                self._reported.pop(file.id, None)
                yield file.id, credential

    def _report(self, credential_id: str, fault: str) -> None:
        if self._reported.get(credential_id) != fault:
            self._reported[credential_id] = fault
            log.error("key file of %s not used, the old key stays: %s", credential_id, fault)

    def _take_over(self, found: Mapping[str, Credential]) -> None:
        before = self._source.current()
        old = {it.id: it for upstream in before.routes.upstreams for it in upstream.credentials}
        renewed = {name for name, it in found.items() if name in old and old[name].key != it.key}
        # The configured expiry is that of the key which the file had at the start.
        valid = {name: replace(found[name], expires_at=None) for name in renewed}
        after = before.with_credentials({**found, **valid})
        if after is before:
            return
        self._source.replace(after)
        for name in renewed:
            log.info("key of %s replaced by that of its file", name)


def mark_of(path: Path) -> Mark:
    """Returns what identifies the present content of a file; empty without a file."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
