"""Exclusive use of a session for one turn, new or resumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.ids import IdGenerator
from modegate.application.ports.session_store import SessionStore
from modegate.application.ports.transcript_store import TranscriptStore
from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionNotFoundError, StorageError
from modegate.domain.param_policy import Effort
from modegate.domain.session import Session, SessionId, parse_session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRegistry:
    """Finds the client's session, or begins one, and keeps everybody else out of it."""

    store: SessionStore
    transcripts: TranscriptStore
    configuration: ConfigurationSource
    clock: Clock
    ids: IdGenerator

    @asynccontextmanager
    async def start(
        self, client: ClientId, cli_model: str, effort: Effort | None = None
    ) -> AsyncIterator[Session]:
        """A new session; it is not remembered before `remember` says that its turn runs."""
        with self.transcripts.reserve(cli_model, effort) as offered:
            session_id = offered or SessionId(self.ids.session_id())
            async with self.store.hold(session_id):
                yield Session.start(session_id, client, self.clock.now())

    @asynccontextmanager
    async def resume(self, text: str, client: ClientId) -> AsyncIterator[Session]:
        """The client's own session with the id in `text`.

        Raises:
            InvalidSessionIdError: `text` is no session id.
            SessionNotFoundError: unknown, expired, or another client's.
            SessionBusyError: another request holds it.
        """
        # Asked before the hold, so that nobody learns from "busy" that another's session exists.
        session_id = (await self.get_owned(text, client)).id
        async with self.store.hold(session_id):
            # Asked again, for the turn that held it until now may have changed or ended it.
            session = await self.get_owned(session_id, client)
            try:
                yield session
            except SessionNotFoundError:  # the backend has lost the conversation
                with suppress(StorageError):  # it is told again next time
                    await self.store.remove(session_id)
                raise

    async def reserve(self, session: Session) -> None:
        """Makes sure, before the session's turn is paid for, that it can be remembered.

        Raises:
            StorageError: it cannot.
        """
        await self.store.reserve(session)

    async def save(self, session: Session, cli_session_id: str | None) -> None:
        """The session's turn runs, or has run: from now on it can be resumed.

        A store that fails now, which logs it, is no error: the answer is paid for, and its client
        gets it. A new session is then unknown; one from before stays as it was.
        """
        with suppress(StorageError):
            await self.store.put(session.touched(self.clock.now(), cli_session_id))

    async def list_active(self, client: ClientId) -> list[Session]:
        """The client's sessions that can be resumed."""
        now = self.clock.now()
        found = await self.store.find(client)
        policy = self.configuration.current().sessions
        return [session for session in found if not policy.expired(session, now)]

    async def get_owned(self, text: str, client: ClientId) -> Session:
        """The client's session with the id in `text`.

        Raises:
            InvalidSessionIdError: `text` is no session id.
            SessionNotFoundError: unknown, expired, or another client's.
        """
        session_id = parse_session_id(text)
        session = await self.store.get(session_id)
        if (
            session is None
            or session.client != client
            or self.configuration.current().sessions.expired(session, self.clock.now())
        ):
            raise not_found(session_id)
        return session


def not_found(session_id: SessionId) -> SessionNotFoundError:
    """The one answer for every session that the client cannot have."""
    return SessionNotFoundError(
        f"Session {session_id} is unknown or has expired: leave out X-Claude-Session-ID and send "
        "X-Claude-Code: true to begin a new one.",
        param="X-Claude-Session-ID",
    )
