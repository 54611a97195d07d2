"""Acknowledges one turn of a session: once, by the backend or by the end of the answer."""

from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.session import Session


class Acknowledgement:
    """The end of a turn, as the session's record has it.

    A backend that stores transcripts calls `stored` before its last event, so that the client has
    no answer that another gateway does not know. For other backends the answer's end counts.
    """

    def __init__(self, sessions: SessionRegistry, session: Session) -> None:
        self._sessions = sessions
        self._session = session
        # With what is stored of this turn: a second attempt may go on from a first one.
        self._known = session
        self._is_decided = False
        self._stored_as: tuple[str | None, str] | None = None

    async def stored(
        self, cli_session_id: str | None, transcript: str | None, unstored: str = ""
    ) -> bool:
        """Acknowledges the turn as `OnStored` says; returns whether the record is stored.

        Without a transcript the session stays at its last turn, with the mark of a turn that is to
        be stored later. A first turn counts all the same, so that it is not taken for one that was
        cut.
        """
        self._is_decided = True
        self._stored_as = None
        if transcript is None and cli_session_id is None:
            return await self._sessions.save(self._known, None)
        if transcript is None:
            marked = self._sessions.marked(self._known, unstored)
            if not marked.turns:
                return await self._sessions.acknowledge(marked, cli_session_id)
            return await self._sessions.save(marked, cli_session_id)
        is_stored = await self._sessions.acknowledge(self._session, cli_session_id, transcript)
        if is_stored:
            self._stored_as = cli_session_id, transcript
            used_at = self._session.used_at
            self._known = self._session.acknowledged(used_at, cli_session_id, transcript)
        return is_stored

    async def ended(self, cli_session_id: str | None, said: str = "") -> None:
        """Acknowledges the turn at the end of its answer, if the backend has not decided that.

        `said` is the digest of the conversation with the answer as the client got it. Only here it
        is known, so a session that the backend has acknowledged is stored once more.
        """
        if not self._is_decided:
            await self._sessions.acknowledge(self._session, cli_session_id, said=said)
        elif self._stored_as is not None and said:
            await self._sessions.acknowledge(self._session, *self._stored_as, said=said)
