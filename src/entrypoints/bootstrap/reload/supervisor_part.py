"""What the supervisor of workers does with the orders that it brings to them."""

import logging
from dataclasses import replace

from modegate.entrypoints.bootstrap.log_config import set_level
from modegate.entrypoints.bootstrap.reload.candidate import (
    Candidate,
    ConfigurationReader,
    taken_over,
)
from modegate.entrypoints.bootstrap.reload.reloader import OTHER_CONTENT
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError
from modegate.entrypoints.http.server.workers.orders import DrainOrder, Order, ReloadOrder
from modegate.lazy_dataclass import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedState:
    """What a worker begins with; in `settings`, what needs a restart is as at the start."""

    settings: Settings
    loaded: LoadedSettings
    drains: bool = False


class SupervisorPart:
    """Keeps the state in which later workers begin equal to that of the running ones."""

    def __init__(self, reader: ConfigurationReader, state: ServedState) -> None:
        self.state = state
        self._reader = reader
        self._ready: Candidate | None = None

    def prepare(self, order: Order) -> str | None:
        """Reads the configuration of a reload; returns the fault if that is not possible."""
        if not isinstance(order, ReloadOrder):
            return None
        try:
            self._ready = self._reader.read(self.state.settings)
        except SettingsError as error:
            return str(error)
        except Exception:  # the supervisor goes on
            log.exception("the supervisor cannot read the configuration")
            return "the supervisor failed: the log says more"
        return None if self._ready.digest == order.digest else OTHER_CONTENT

    def commit(self, order: Order) -> None:
        """Begins later workers with it."""
        if isinstance(order, DrainOrder):
            self.state = replace(self.state, drains=order.on)
        elif self._ready is not None:
            ready, self._ready = self._ready, None
            loaded = taken_over(ready, self.state.loaded, self.state.settings)
            self.state = replace(self.state, settings=ready.settings, loaded=loaded)
            set_level(ready.settings.log_level)
