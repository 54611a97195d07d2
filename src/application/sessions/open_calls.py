"""Tells other gateways which sessions wait for results of a client's tools."""

from contextlib import suppress

from modegate.application.ports.call_locations import CallLocations
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.errors import StorageError
from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """Notes the calls of answers. Without `locations`, only this machine has sessions."""

    locations: CallLocations | None
    configuration: ConfigurationSource

    async def note(self, turn: Turn, heard: HeardAnswer) -> None:
        """Notes the calls of an answer, and that those before it have their results.

        No-op without calls and results. A failure is suppressed: results then go on from the history.
        """
        answered = [it.call_id for it in turn.prompt.results if it.call_id]
        opened = [it.id for it in heard.message.calls if it.id] if turn.tools else []
        if self.locations is None or not (answered or opened):
            return
        # As long as the session: its transcript ends with the calls, whether or not a process waits.
        lifetime_s = self.configuration.current().sessions.idle
        with suppress(StorageError):
            await self.locations.move(turn.session, answered, opened, lifetime_s)
