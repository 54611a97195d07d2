"""A configuration for tests."""

from dataclasses import replace
from typing import Any

from modegate.domain.configuration import Configuration
from modegate.domain.routing.route import Routes
from modegate.testing.upstreams import UPSTREAM


class FakeConfigurationSource:
    """Starts with defaults and one upstream, changed by `values`.

    `change` replaces the snapshot, as a reload does.
    """

    def __init__(self, **values: Any) -> None:
        routes = Routes(upstreams=(UPSTREAM,))
        self._current = Configuration(**{"routes": routes, **values})

    def current(self) -> Configuration:
        """Returns the snapshot."""
        return self._current

    def change(self, **values: Any) -> None:
        """Replaces some of its values."""
        self._current = replace(self._current, **values)
