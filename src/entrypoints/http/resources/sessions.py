"""`GET /v1/sessions`, and `GET` and `DELETE /v1/sessions/{id}`."""

import falcon.asgi

from modegate.application.sessions.manage import ManageSessions
from modegate.dialects.json import encode
from modegate.domain.session import Session
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Sessions:
    """The client's sessions."""

    sessions: ManageSessions
    authenticator: Authenticator

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with the client's sessions, most recently used first."""
        client = (await self.authenticator.admit(req)).id
        found = await self.sessions.list(client)
        shown = [describe(it, parked=self.sessions.is_parked(it)) for it in found]
        resp.data = encode({"object": "list", "data": shown})


@dataclass(frozen=True, slots=True)
class OneSession:
    """One of the client's sessions."""

    sessions: ManageSessions
    authenticator: Authenticator

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, session_id: str
    ) -> None:
        """Responds with the session."""
        client = (await self.authenticator.admit(req)).id
        session = await self.sessions.get(session_id, client)
        resp.data = encode(describe(session, parked=self.sessions.is_parked(session)))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, session_id: str
    ) -> None:
        """Ends the session and deletes its conversation."""
        client = (await self.authenticator.admit(req)).id
        resp.data = encode(describe_ended(await self.sessions.end(session_id, client)))


def describe_ended(session: Session) -> dict[str, object]:
    """Returns the response object for an ended session."""
    return {"id": session.id, "object": "session.deleted", "deleted": True}


def describe(session: Session, *, parked: bool) -> dict[str, object]:
    """Returns a session as an object in OpenAI's style; times are Unix seconds."""
    return {
        "id": session.id,
        "object": "session",
        "created_at": int(session.created_at),
        "last_used_at": int(session.used_at),
        "parked": parked,
    }
