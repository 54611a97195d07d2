"""Marks sessions whose last turn is not stored, so that other gateways do not forget it."""

from modegate.application.ports.clock import Clock
from modegate.application.ports.gateway_presence import GatewayPresence
from modegate.application.ports.late_transcripts import LateTranscripts
from modegate.domain.session import Session
from modegate.lazy_dataclass import dataclass

# Seconds since the last use of a session for which other gateways wait for its last turn. Longer,
# an archive that cannot be written keeps a session from all gateways but one.
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class UnstoredMarks:
    """Decides which gateway goes on with a session whose last turn is not stored.

    The home gateway, which has the turn, does. Others wait for it as long as that one lives, and at
    most `LONGEST_WAIT_S`. Then they go on without the turn.
    """

    late: LateTranscripts
    gateways: GatewayPresence
    clock: Clock

    def marked(self, session: Session, turn: str) -> Session:
        """Returns the session with the mark that only this gateway has `turn`; none if it is empty."""
        return session.with_unstored(turn, self.gateways.id)

    async def is_awaited(self, session: Session) -> bool:
        """Returns whether another gateway has the session's last turn, and is to store it.

        Raises:
            StorageError: that cannot be known.
        """
        if not session.unstored or await self.late.has_unstored(session):
            return False
        is_recent = self.clock.now() - session.used_at < LONGEST_WAIT_S
        return is_recent and await self.gateways.is_present(session.home)

    async def going_on(self, session: Session) -> Session | None:
        """Returns the held session as it goes on here; None while its last turn is awaited.

        Raises:
            StorageError: that cannot be known.
        """
        if await self.is_awaited(session):
            return None
        if not session.unstored or await self.late.has_unstored(session):
            return session
        self.late.give_up(session)
        return session.with_unstored("", "")
