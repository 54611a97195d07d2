"""The port for the configuration."""

from typing import Protocol

from modegate.domain.configuration import Configuration


class ConfigurationSource(Protocol):
    """Holds the current configuration; a reload replaces it."""

    def current(self) -> Configuration:
        """Returns the snapshot to use for one request. Never blocks."""
        ...
