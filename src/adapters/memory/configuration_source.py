"""The configuration in memory."""

from dataclasses import replace

from modegate.domain.access.key_ring import KeyRing
from modegate.domain.configuration import Configuration
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class FixedConfigurationSource:
    """Returns the same snapshot for every request."""

    configuration: Configuration

    def current(self) -> Configuration:
        """Returns the snapshot."""
        return self.configuration


class MemoryConfigurationSource:
    """Returns the last snapshot that was set; requests under way keep theirs."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def current(self) -> Configuration:
        """Returns the snapshot."""
        return self._configuration

    def replace(self, configuration: Configuration) -> None:
        """Sets the snapshot for the requests from now on; managed keys are kept."""
        self._configuration = configuration.following(self._configuration)

    def replace_keys(self, keys: KeyRing) -> None:
        """Sets the keys for the requests from now on."""
        self._configuration = replace(self._configuration, keys=keys)
