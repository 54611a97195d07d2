"""The configuration in memory."""

from dataclasses import dataclass

from modegate.domain.configuration import Configuration


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
        """Sets the snapshot for the requests from now on."""
        self._configuration = configuration
