"""What can work at this moment."""

from dataclasses import dataclass

from modegate.application.ports.health_probe import ClaudeProbe, PassthroughProbe
from modegate.domain.health import Health


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Looks at both backends; never blocks."""

    claude: ClaudeProbe
    passthrough: PassthroughProbe
    clients_may_bring_keys: bool

    def __call__(self) -> Health:
        """The state of both."""
        return Health(
            claude=self.claude.look(),
            passthrough=self.passthrough.look(),
            clients_may_bring_keys=self.clients_may_bring_keys,
        )
