"""How the settings of a gateway are read, at the start and at a reload."""

from collections.abc import Callable

from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import LoadedSettings
from modegate.lazy_dataclass import dataclass


def noop(_: str) -> None:
    """No-op: an embedding program configures the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the settings were loaded, and how to load them again.

    `set_log_level` is called with the level after each reload.
    """

    loaded: LoadedSettings
    load: Callable[[], LoadedSettings]
    set_log_level: Callable[[str], None] = noop

    @classmethod
    def fixed(cls, settings: Settings) -> "Reading":
        """Returns the reading of settings that come from no file: a reload changes nothing."""
        loaded = LoadedSettings(settings, {})
        return cls(loaded=loaded, load=lambda: loaded)
