"""The port for the configuration."""

from typing import Protocol

from modegate.domain.access.key_ring import KeyRing
from modegate.domain.configuration import Configuration


class ConfigurationSource(Protocol):
    """Holds the current configuration; a reload replaces it."""

    def current(self) -> Configuration:
        """Returns the snapshot to use for one request. Never blocks."""
        ...


class ReplaceableSource(ConfigurationSource, Protocol):
    """A configuration source whose snapshot can be replaced; requests under way keep theirs."""

    def replace(self, configuration: Configuration) -> None:
        """Sets the snapshot for the requests from now on.

        A configuration made from settings has no managed keys. Those of the last one are kept.
        """
        ...

    def replace_keys(self, keys: KeyRing) -> None:
        """Sets the keys for the requests from now on, and keeps all else."""
        ...
