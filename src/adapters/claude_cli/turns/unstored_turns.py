"""Turns that were answered while the archive of transcripts could not take them."""

from collections import OrderedDict

from modegate.adapters.claude_cli.turns.stored_turn import AnsweredTurn
from modegate.domain.session import Session, SessionId
from modegate.lazy_dataclass import dataclass

# Beyond these, the oldest are stored only with their session's next turn here.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class UnstoredTurn:
    """A turn that is to be stored; `session` is the record before it.

    `is_known` is whether the session's record was stored, so that it is missing only if the session
    was deleted.
    """

    answered: AnsweredTurn
    session: Session
    is_known: bool

    def record(self, session: Session | None) -> Session | None:
        """Returns the session that can name the turn; None if it has gone on, or was deleted."""
        if session is None and not self.is_known and not self.session.turns:
            session = self.session
        if session is None or session.transcript != self.session.transcript:
            return None
        return session


class UnstoredTurns:
    """Remembers the last such turn of each session, in memory."""

    def __init__(self) -> None:
        self._turns: OrderedDict[SessionId, UnstoredTurn] = OrderedDict()

    @property
    def session_ids(self) -> list[SessionId]:
        """The sessions of the turns."""
        return [*self._turns]

    def get(self, session_id: SessionId) -> UnstoredTurn | None:
        """Returns the session's turn."""
        return self._turns.get(session_id)

    def add(self, turn: UnstoredTurn) -> None:
        """Remembers a turn, in place of an earlier one of its session."""
        self._turns[turn.session.id] = turn
        if len(self._turns) > MOST:
            self._turns.popitem(last=False)

    def drop(self, session_id: SessionId) -> None:
        """Forgets the session's turn, if any."""
        self._turns.pop(session_id, None)
