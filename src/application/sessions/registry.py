"""Starts and resumes sessions, and locks each for one turn."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress

from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.ids import IdGenerator
from modegate.application.ports.session_store import SessionStore
from modegate.application.ports.transcript_store import TranscriptStore
from modegate.application.sessions.unstored_marks import UnstoredMarks
from modegate.domain.access.client import ClientId
from modegate.domain.errors import (
    GatewayError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from modegate.domain.errors.catalogue import sessions, storage
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import Session, SessionId, parse_session_id
from modegate.lazy_dataclass import dataclass

# Sessions with the same history that are tried, each of which may be in use.
MOST_CANDIDATES = 4
# Seconds between two attempts to lock a session that is in use.
HOLD_INTERVAL_S = 0.02
# Seconds for which a turn waits until the one before it, at another gateway, is stored: that gateway
# tries it every 2 s. And seconds between two looks.
UNSTORED_PATIENCE_S = 2.0
UNSTORED_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRegistry:
    """Starts or resumes a client's session, locks it for a turn, and saves it.

    Without `marks` no other gateway has sessions.
    """

    store: SessionStore
    transcripts: TranscriptStore
    configuration: ConfigurationSource
    clock: Clock
    ids: IdGenerator
    marks: UnstoredMarks | None = None

    @asynccontextmanager
    async def start(
        self,
        client: ClientId,
        cli_model: str,
        effort: Effort | None = None,
        *,
        has_history: bool = False,
    ) -> AsyncIterator[Session]:
        """Starts a new session and locks its id. Nothing is stored before `save`.

        A session that begins with a history takes no prewarmed process, which has begun with none.
        """
        prewarmed = nullcontext() if has_history else self.transcripts.reserve(cli_model, effort)
        with prewarmed as offered:
            session_id = offered or SessionId(self.ids.session_id())
            async with self.store.hold(session_id):
                yield Session.start(session_id, client, self.clock.now())

    @asynccontextmanager
    async def resume(
        self, text: str, client: ClientId, patience_s: float = 0.0
    ) -> AsyncIterator[Session]:
        """Locks the client's session as `hold` does, for a turn that has all those before it.

        Raises:
            InvalidSessionIdError: if `text` is not a session id.
            SessionNotFoundError: if the session is unknown, expired, or another client's.
            SessionBusyError: if another request is using the session, also after `patience_s`.
            StorageError: if another gateway has not stored the session's last turn yet.
        """
        async with AsyncExitStack() as holding:
            session = await self._held_with_all_turns(text, client, patience_s, holding)
            try:
                yield session
            except SessionNotFoundError:  # the backend has lost the conversation
                if session.turns:  # a first turn may be stored late: see `StoreLateTurns`
                    with suppress(StorageError):  # the next turn fails in the same way
                        await self.store.remove(session.id)
                raise

    @asynccontextmanager
    async def hold(
        self, text: str, client: ClientId, patience_s: float = 0.0
    ) -> AsyncIterator[Session]:
        """Locks the client's session with the id in `text`; waits for its release if it is in use.

        Raises:
            InvalidSessionIdError: if `text` is not a session id.
            SessionNotFoundError: if the session is unknown, expired, or another client's.
            SessionBusyError: if another request is using the session, also after `patience_s`.
        """
        # Checked before locking: "busy" must not reveal that another client's session exists.
        session_id = (await self.get_owned(text, client)).id
        async with self._held(session_id, patience_s):
            # Checked again, because the turn that held the lock may have changed or ended it.
            yield await self.get_owned(session_id, client)

    @asynccontextmanager
    async def go_on(self, history: str, client: ClientId) -> AsyncIterator[Session | None]:
        """Locks the client's session with this `Session.history`, or yields None.

        Sessions in use are passed over, and so are those that the store cannot give.
        """
        async with AsyncExitStack() as holding:
            yield await self._held_by_history(history, client, holding)

    async def _held_with_all_turns(
        self, text: str, client: ClientId, patience_s: float, holding: AsyncExitStack
    ) -> Session:
        ends_at = self.clock.now() + UNSTORED_PATIENCE_S
        while True:
            found = await holding.enter_async_context(self.hold(text, client, patience_s))
            session = found if self.marks is None else await self.marks.going_on(found)
            if session is not None:
                return session
            # Released, because the gateway that stores the turn needs the lock for that.
            await holding.aclose()
            await self._until_stored(text, client, ends_at)
            patience_s = max(patience_s, ends_at - self.clock.now())

    async def _until_stored(self, text: str, client: ClientId, ends_at: float) -> None:
        """Waits until the session's last turn is not awaited any more.

        Raises:
            StorageError: it still is at `ends_at`.
        """
        while self.marks and await self.marks.is_awaited(await self.get_owned(text, client)):
            if self.clock.now() >= ends_at:
                raise storage.turn_not_stored()
            await self.clock.sleep(UNSTORED_INTERVAL_S)

    @asynccontextmanager
    async def _held(self, session_id: SessionId, patience_s: float) -> AsyncIterator[None]:
        ends_at = self.clock.now() + patience_s
        async with AsyncExitStack() as holding:
            while True:
                try:
                    await holding.enter_async_context(self.store.hold(session_id))
                    break
                except SessionBusyError:
                    if self.clock.now() >= ends_at:
                        raise
                    await self.clock.sleep(HOLD_INTERVAL_S)
            yield

    async def _held_by_history(
        self, history: str, client: ClientId, holding: AsyncExitStack
    ) -> Session | None:
        with suppress(StorageError):
            for found in await self.store.find_by_history(history, MOST_CANDIDATES):
                with suppress(SessionBusyError, SessionNotFoundError):
                    session = await holding.enter_async_context(self.resume(found.id, client))
                    if session.history == history:  # a turn may have changed it meanwhile
                        return session
                    await holding.aclose()
        return None

    @asynccontextmanager
    async def in_turn(self, session: Session) -> AsyncIterator[None]:
        """Verifies that the session can be stored, before its turn is paid for.

        Until the turn is acknowledged, the session is not found by its history: a client that left
        may or may not have the answer. A turn that fails is undone, so the session is as before.

        Raises:
            StorageError: if the session cannot be stored.
        """
        await self.store.reserve(session)
        if session.said:
            await self._put(session.in_turn().touched(self.clock.now(), None))
        try:
            yield
        except GatewayError:
            if session.said:
                await self._put(session)
            raise

    async def begun(self, session: Session, cli_session_id: str | None) -> None:
        """Stores the session at the first event of its turn, unless `in_turn` has stored all of it.

        The client waits for this event, and a failure is handled as by `save`.
        """
        is_stored = session.said and cli_session_id in {None, session.cli_session_id}
        if not is_stored:
            await self.save(session, cli_session_id)

    def marked(self, session: Session, turn: str) -> Session:
        """Returns the session with the mark that only this gateway has `turn`; none if it is empty."""
        return session if self.marks is None else self.marks.marked(session, turn)

    async def save(self, session: Session, cli_session_id: str | None) -> bool:
        """Stores the session once its turn runs; it can be resumed by its id from then on.

        Returns whether it is stored.

        A failure is logged by the store and not raised, because the answer is being paid for. A new
        session then stays unknown, and an existing one unchanged.
        """
        return await self._put(session.in_turn().touched(self.clock.now(), cli_session_id))

    async def acknowledge(
        self, session: Session, cli_session_id: str | None, transcript: str = "", said: str = ""
    ) -> bool:
        """Stores the session once its turn has ended; returns whether it is stored.

        A failure is handled as by `save`. `said` is the digest with this turn.
        """
        now = self.clock.now()
        return await self._put(session.acknowledged(now, cli_session_id, transcript, said))

    async def list_active(self, client: ClientId) -> list[Session]:
        """Returns the client's sessions that have not expired."""
        now = self.clock.now()
        found = await self.store.find(client)
        policy = self.configuration.current().sessions
        return [session for session in found if not policy.expired(session, now)]

    async def get_owned(self, text: str, client: ClientId) -> Session:
        """Returns the client's session with the id in `text`.

        Raises:
            InvalidSessionIdError: if `text` is not a session id.
            SessionNotFoundError: if the session is unknown, expired, or another client's.
        """
        session_id = parse_session_id(text)
        session = await self.store.get(session_id)
        if (
            session is None
            or session.client != client
            or self.configuration.current().sessions.expired(session, self.clock.now())
        ):
            raise sessions.unknown(session_id)
        return session

    async def _put(self, session: Session) -> bool:
        # A hold can be lost while the store is away: the session then went on at another gateway.
        with suppress(StorageError, SessionBusyError):
            await self.store.put(session)
            return True
        return False
