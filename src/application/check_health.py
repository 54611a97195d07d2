"""The use case that reports the state of the backends."""

from dataclasses import dataclass

from modegate.application.ports.health_probe import ClaudeProbe, PassthroughProbe
from modegate.domain.health import Health


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Reports the state of both backends without blocking."""

    claude: ClaudeProbe
    passthrough: PassthroughProbe
    clients_may_bring_keys: bool

    def __call__(self) -> Health:
        """Returns the current state of both backends."""
        return Health(
            claude=self.claude.look(),
            passthrough=self.passthrough.look(),
            clients_may_bring_keys=self.clients_may_bring_keys,
        )
