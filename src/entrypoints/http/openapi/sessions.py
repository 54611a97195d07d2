"""`GET /v1/sessions`, and `GET` and `DELETE /v1/sessions/{session_id}`."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi import examples
from modegate.entrypoints.http.openapi.error_sets import ADMISSION, SESSION
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import EXAMPLE_SESSION, SESSION_ID, Schema
from modegate.entrypoints.http.resources.sessions import describe_ended


def sessions(security: list[Schema]) -> Schema:
    """Describes `GET /v1/sessions`."""
    listed = {"object": "list", "data": [examples.session()]}
    return {
        "operationId": "listSessions",
        "tags": ["Sessions"],
        "summary": "List your sessions",
        "description": "The sessions of the client's key, most recently used first.",
        "security": security,
        "parameters": [REQUEST_ID],
        "responses": {
            "200": answer("The sessions.", json_of("SessionList", sessions=listed)),
            **refusals((*ADMISSION, errors.StorageError)),
        },
    }


def one_session(security: list[Schema]) -> Schema:
    """Describes `GET` and `DELETE /v1/sessions/{session_id}`."""
    deleted = describe_ended(examples.SESSION)
    common = {"tags": ["Sessions"], "security": security}
    return {
        "parameters": [
            {
                "name": "session_id",
                "in": "path",
                "required": True,
                "description": "The id from `X-Claude-Session-ID`.",
                "schema": SESSION_ID,
                "example": EXAMPLE_SESSION,
            },
            REQUEST_ID,
        ],
        "get": {
            "operationId": "getSession",
            "summary": "Look up a session",
            **common,
            "responses": {
                "200": answer("The session.", json_of("Session", session=examples.session())),
                **refusals((*ADMISSION, *SESSION)),
            },
        },
        "delete": {
            "operationId": "deleteSession",
            "summary": "End a session",
            "description": "Its conversation is deleted too.",
            **common,
            "responses": {
                "200": answer(
                    "The session is deleted.", json_of("SessionDeleted", deleted=deleted)
                ),
                **refusals((*ADMISSION, *SESSION, errors.SessionBusyError)),
            },
        },
    }
