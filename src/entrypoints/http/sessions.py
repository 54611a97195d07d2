"""`GET /v1/sessions`, and `GET` and `DELETE /v1/sessions/{id}`."""

from dataclasses import dataclass

import falcon.asgi

from modegate.application.client_sessions import ClientSessions
from modegate.domain.session import Session
from modegate.entrypoints.http.gate import Gate
from modegate.entrypoints.http.wire import encode


@dataclass(frozen=True, slots=True)
class Sessions:
    """The client's own."""

    sessions: ClientSessions
    gate: Gate

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """All of them, the latest used first."""
        client = await self.gate.admit(req)
        found = await self.sessions.list(client)
        resp.data = encode({"object": "list", "data": [describe(session) for session in found]})


@dataclass(frozen=True, slots=True)
class OneSession:
    """One of the client's own."""

    sessions: ClientSessions
    gate: Gate

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, session_id: str
    ) -> None:
        """What is known of it."""
        client = await self.gate.admit(req)
        resp.data = encode(describe(await self.sessions.get(session_id, client)))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, session_id: str
    ) -> None:
        """End it; its conversation goes too."""
        client = await self.gate.admit(req)
        ended = await self.sessions.end(session_id, client)
        resp.data = encode(describe_ended(ended))


def describe_ended(session: Session) -> dict[str, object]:
    """A session that is no more."""
    return {"id": session.id, "object": "session.deleted", "deleted": True}


def describe(session: Session) -> dict[str, object]:
    """A session in the manner of the OpenAI API's objects; times are Unix seconds."""
    return {
        "id": session.id,
        "object": "session",
        "created_at": int(session.created_at),
        "last_used_at": int(session.used_at),
    }
