"""A configuration that does not change."""

from dataclasses import dataclass

from modegate.domain.configuration import Configuration


@dataclass(frozen=True, slots=True)
class FixedConfigurationSource:
    """Returns the same snapshot for every request."""

    configuration: Configuration

    def current(self) -> Configuration:
        """Returns the snapshot."""
        return self.configuration
