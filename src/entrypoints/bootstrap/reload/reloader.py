"""Replaces the configuration of a running gateway."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from modegate.domain.configuration import Configuration
from modegate.domain.errors.catalogue import configuration as errors
from modegate.entrypoints.bootstrap.reload.candidate import (
    Candidate,
    ConfigurationReader,
    digest_of,
    taken_over,
)
from modegate.entrypoints.bootstrap.reload.carry_over import carried_over
from modegate.entrypoints.bootstrap.reload.live_parts import LiveParts
from modegate.entrypoints.config.keys.tables import KEYS
from modegate.entrypoints.config.reloading import changed_settings, pending_settings
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.views import UPSTREAMS
from modegate.entrypoints.http.admin.operation import ReloadResult
from modegate.lazy_dataclass import dataclass

# In the place of a setting: the login of the `claude` CLI.
LOGIN = "claude_login"
OTHER_CONTENT = "the configuration changed while it was read: reload again"

log = logging.getLogger(__name__)

# Brings all workers to a digest, or none.
Agree = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LastReload:
    """The last reload: when, by what, and what came of it."""

    at: float
    trigger: str
    result: ReloadResult | None
    faults: Sequence[str] = ()

    def describe(self) -> Mapping[str, object]:
        """Returns the reload as a JSON object."""
        if self.result is None:
            outcome = "invalid"
        else:
            outcome = "unchanged" if self.result.unchanged else "changed"
        changed = list(self.result.changed) if self.result else []
        return {
            "at": int(self.at),
            "trigger": self.trigger,
            "outcome": outcome,
            "changed": changed,
            "faults": list(self.faults),
        }


class Reloader:
    """Reads, compares and replaces the configuration; one reload at a time.

    `agree` brings all workers to the digest of a candidate. Each worker, this one included, is then
    asked to `prepare` it, and if all could, to `commit` it.
    """

    def __init__(
        self, reader: ConfigurationReader, parts: LiveParts, loaded: LoadedSettings, agree: Agree
    ) -> None:
        self.loaded = loaded
        self.running = loaded.settings
        self.last: LastReload | None = None
        self._reader = reader
        self._parts = parts
        self._agree = agree
        self._login = parts.login_changed_at()
        self._lock = asyncio.Lock()
        self._proposed: Candidate | None = None
        self._ready: Candidate | None = None
        self._now = parts.container.clock().time_of_day

    async def reload(self, trigger: str) -> ReloadResult:
        """Reads the configuration again, and uses it from now on.

        Raises:
            InvalidConfigurationError: it is invalid, or a worker cannot use it; the old one stays.
        """
        async with self._lock:
            try:
                candidate = await asyncio.to_thread(self._reader.read, self.running)
                if self._is_current(candidate):
                    return self._note(trigger, self._result(candidate, (), unchanged=True))
                self._proposed = candidate
                await self._agree(candidate.digest, trigger)
            except SettingsError as error:
                self.last = LastReload(self._now(), trigger, None, error.faults)
                raise errors.not_reloaded(error.faults) from None
            finally:
                self._proposed = None
            return self._last_result()

    def log_faults(self) -> None:
        """Logs why the last reload changed nothing."""
        if self.last is not None:
            fields = {"trigger": self.last.trigger, "faults": list(self.last.faults)}
            log.error("configuration not reloaded, the old one stays", extra={"fields": fields})

    async def prepare(self, digest: str) -> str | None:
        """Gets ready for a configuration; returns the fault if that is not possible."""
        candidate = self._proposed
        if candidate is None or candidate.digest != digest:
            try:
                candidate = await asyncio.to_thread(self._reader.read, self.running)
            except SettingsError as error:
                return str(error)
        if candidate.digest != digest:
            return OTHER_CONTENT
        self._ready = candidate
        return None

    def commit(self, trigger: str) -> None:
        """Uses the configuration that was prepared."""
        if (candidate := self._ready) is None:
            raise RuntimeError("no configuration was prepared")
        self._ready = None
        current, before = self._parts.current(), self.running
        changed = [*self._changed(candidate, current)]
        after = carried_over(candidate.configuration, current, candidate.settings, before)
        self._parts.apply(self._reader.serve_as(candidate.settings), after)
        self.loaded = taken_over(candidate, self.loaded, before)
        self.running = candidate.settings
        self._login = self._parts.login_changed_at()
        self._note(trigger, self._result(candidate, changed, unchanged=False))
        for warning in candidate.loaded.warnings:
            log.warning("settings: %s", warning)

    def pending(self) -> list[str]:
        """Returns the settings whose new values need a restart."""
        return pending_settings(self.loaded.settings, self.running)

    def served(self) -> Settings:
        """Returns the settings in use, with those that `--offline` simulates."""
        return self._reader.serve_as(self.running)

    def _is_current(self, candidate: Candidate) -> bool:
        digest = digest_of(self.loaded.settings, self._parts.current())
        return candidate.digest == digest and self._login == self._parts.login_changed_at()

    def _changed(self, candidate: Candidate, current: Configuration) -> Iterator[str]:
        changed = changed_settings(self.running, candidate.settings)
        yield from changed
        for place in _renewed_keys(candidate.configuration, current):
            if place not in changed and candidate.settings.upstreams:
                yield place
        yield from (it for it in self._renewed_clients(candidate, current) if it not in changed)
        if self._login != self._parts.login_changed_at():
            yield LOGIN

    def _renewed_clients(self, candidate: Candidate, current: Configuration) -> Iterator[str]:
        """Yields the places of keys of clients whose rows stay and whose secret is another one."""
        old, new = current.keys.digests, candidate.configuration.keys.digests
        for name, row in candidate.settings.keys.items():
            if self.running.keys.get(name) == row and old.get(name) != new.get(name):
                yield written((KEYS, name))

    def _result(
        self, candidate: Candidate, changed: Sequence[str], *, unchanged: bool
    ) -> ReloadResult:
        return ReloadResult(
            changed=tuple(changed),
            needs_restart=tuple(pending_settings(candidate.loaded.settings, self.running)),
            fixed_by_environment=candidate.loaded.fixed,
            unchanged=unchanged,
        )

    def _note(self, trigger: str, result: ReloadResult) -> ReloadResult:
        self.last = LastReload(self._now(), trigger, result)
        fields = {"trigger": trigger, **result.describe()}
        what = "configuration unchanged" if result.unchanged else "configuration reloaded"
        log.info(what, extra={"fields": fields})
        return result

    def _last_result(self) -> ReloadResult:
        if self.last is None or self.last.result is None:
            raise RuntimeError("the reload was not carried out")
        return self.last.result


def _renewed_keys(after: Configuration, before: Configuration) -> Iterator[str]:
    """Yields the places of credentials that stay and have another key."""
    old = {
        (upstream.name, it.id): it.key
        for upstream in before.routes.upstreams
        for it in upstream.credentials
    }
    for upstream in after.routes.upstreams:
        for it in upstream.credentials:
            if old.get((upstream.name, it.id), it.key) != it.key:
                yield written((UPSTREAMS, upstream.name, "credentials", it.id))
