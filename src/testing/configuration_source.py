"""A configuration for tests."""

from dataclasses import replace
from typing import Any

from modegate.domain.configuration import Configuration


class FakeConfigurationSource:
    """Starts with defaults, changed by `values`; `change` replaces the snapshot, as a reload does."""

    def __init__(self, **values: Any) -> None:
        self._current = Configuration(**values)

    def current(self) -> Configuration:
        """Returns the snapshot."""
        return self._current

    def change(self, **values: Any) -> None:
        """Replaces some of its values."""
        self._current = replace(self._current, **values)
