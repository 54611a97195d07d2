"""The duties of a `ConfigurationSource`."""

from abc import ABC, abstractmethod

from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.configuration import Configuration


class ConfigurationSourceContract(ABC):
    """Give `source`, whose current snapshot equals `expected`."""

    @abstractmethod
    def source(self) -> ConfigurationSource:
        """A source."""

    @abstractmethod
    def expected(self) -> Configuration:
        """The snapshot that the source must return."""

    def test_it_returns_the_snapshot(self) -> None:
        assert self.source().current() == self.expected()

    def test_between_two_reloads_the_snapshot_is_the_same_object(self) -> None:
        source = self.source()
        assert source.current() is source.current()
