"""Finds the session that goes on with the results of a client's tools."""

from contextlib import suppress

from modegate.application.ports.awaited_calls import AwaitedCalls
from modegate.application.ports.call_locations import CallLocations
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ClientId
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.errors import SessionNotFoundError, StorageError
from modegate.domain.errors.catalogue import tool_results
from modegate.domain.session import Session, SessionId
from modegate.domain.tools.tool_results import LastResults, check_repeated, match_results
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsSession:
    """Finds the session of a request, which may end with results of tools."""

    sessions: SessionRegistry
    calls: AwaitedCalls
    locations: CallLocations | None = None

    async def find(
        self,
        session_id: str | None,
        client: ClientId,
        conversation: Conversation,
        *,
        anew: bool = False,
    ) -> str | None:
        """Returns the id of the session that goes on; None if a new one begins.

        Results go on in the session that the request names, or that waits for them. Where none
        does, a new session goes on from the history in the request. So it does with `anew` even if
        the named session seems to wait.

        Raises:
            InvalidRequestError: if a call has no result or two, or a result has no call.
            RequestError: if the client has no session with the given id.
        """
        last = LastResults.of(conversation)
        if last is None:
            return session_id
        check_repeated(last.results)
        if session_id is not None:
            session = await self.sessions.get_owned(session_id, client)
            is_needed = not last.calls
            if is_needed or (not anew and await self.calls.awaits(session, last.call_ids)):
                return session_id
        elif found := await self._waiting(client, last):
            return found
        if last.are_last and (last.calls or last.call_ids):
            if not last.calls:
                raise tool_results.unknown(sorted(last.call_ids))
            match_results(last.results, last.calls)
        return None

    async def continues(self, session: Session, conversation: Conversation) -> bool:
        """Returns whether a session with the same history can go on with what is new.

        One that lost the calls of its last answer, as the CLI was killed before it stored them,
        cannot go on with their results.
        """
        last = LastResults.of(conversation)
        return last is None or await self.calls.awaits(session, last.call_ids)

    async def _waiting(self, client: ClientId, last: LastResults) -> SessionId | None:
        """Returns the session whose turn waits here, or whose conversation ends with the calls."""
        with suppress(SessionNotFoundError):  # it has expired
            if found := self.calls.find(client, last.call_ids):
                return (await self.sessions.get_owned(found, client)).id
            if found := await self._located(client, last):
                session = await self.sessions.get_owned(found, client)
                return session.id if await self.calls.awaits(session, last.call_ids) else None
        return None

    async def _located(self, client: ClientId, last: LastResults) -> SessionId | None:
        if self.locations is None or not last.call_ids:
            return None
        with suppress(StorageError):  # the history may lead to the session
            return await self.locations.find(client, last.call_ids)
        return None
