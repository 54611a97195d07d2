"""Describes the admin API of clients' keys."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi.admin import EXAMPLE_TIME
from modegate.entrypoints.http.openapi.admin_operation import ACCESS, operation
from modegate.entrypoints.http.openapi.errors import Kind
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import JSON, answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import STRING, Schema

BODY: tuple[Kind, ...] = (errors.PayloadTooLargeError, errors.UnsupportedMediaTypeError)
CHANGE: tuple[Kind, ...] = (errors.KeyNotFoundError, errors.KeyReadOnlyError, errors.StorageError)
KEY_ID: Schema = {
    "name": "key_id",
    "in": "path",
    "required": True,
    "description": "The key's id: `key_…`, `env-1`, or the name of its table in the file.",
    "schema": STRING,
    "example": "key_5c1f0b6d2a9e4c7788f3a1d0",
}
BUDGET = {"usd": 20.0, "tokens": None, "period": "month"}
RULES = {
    "models": ["sonnet", "gpt-4o*"],
    "modes": ["claude-code"],
    "mode": "claude-code",
    "expires_at": None,
    "rpm": 60,
    "tpm": None,
    "concurrency": None,
}
KEY = {
    "id": "key_5c1f0b6d2a9e4c7788f3a1d0",
    "object": "api_key",
    "masked": "sk-mg-****7f3a",
    "name": "search",
    "source": "admin",
    "state": "active",
    "enabled": True,
    **RULES,
    "budget": BUDGET,
    "created_at": EXAMPLE_TIME,
    "revoked_at": None,
    "old_secret_until": None,
}
WITH_SECRET = {"secret": "sk-mg-EXAMPLE", **KEY}


def paths() -> Schema:
    """Returns the paths."""
    one = "/admin/keys/{key_id}"
    return {
        "/admin/keys": {"parameters": [REQUEST_ID], "get": _list(), "post": _create()},
        one: {
            "parameters": [KEY_ID, REQUEST_ID],
            "get": _show(),
            "patch": _change(),
            "delete": _revoke(),
        },
        f"{one}/rotate": {"parameters": [KEY_ID, REQUEST_ID], "post": _rotate()},
    }


def _list() -> Schema:
    listed = {"object": "list", "data": [KEY]}
    return operation(
        "listKeys",
        "List the keys of clients",
        "Those of the settings and those made here, also revoked ones; never their secrets.",
        {
            "200": answer("The keys.", json_of("KeyList", keys=listed)),
            **refusals((*ACCESS, errors.StorageError), always_open=True),
        },
    )


def _create() -> Schema:
    example = {"name": "search", **RULES, "budget": BUDGET}
    kinds = (*ACCESS, *BODY, errors.StorageError)
    return operation(
        "createKey",
        "Create a key",
        "The answer has the secret, which nothing shows again. From the first key on, every client "
        "needs one. `expires_at` is a time in RFC 3339 or in Unix seconds.",
        {
            "201": answer("The key.", json_of("KeyWithSecret", key=WITH_SECRET), status=201),
            **refusals(kinds, always_open=True),
        },
    ) | _body("NewKey", required=True, key=example)


def _show() -> Schema:
    return operation(
        "getKey",
        "Look up a key",
        "Without its secret.",
        {
            "200": answer("The key.", json_of("Key", key=KEY)),
            **refusals((*ACCESS, errors.KeyNotFoundError, errors.StorageError), always_open=True),
        },
    )


def _change() -> Schema:
    return operation(
        "changeKey",
        "Change a key",
        "Other fields stay as they are, and null takes a field back. The next request obeys, and "
        "running ones finish. Keys of the settings are changed there.",
        {
            "200": answer("The key.", json_of("Key", key=KEY)),
            **refusals((*ACCESS, *BODY, *CHANGE), always_open=True),
        },
    ) | _body("KeyChange", required=True, disable={"enabled": False}, limit={"rpm": 10})


def _revoke() -> Schema:
    return operation(
        "revokeKey",
        "Revoke a key",
        "For ever. The next request gets 401, and running ones finish. The key stays in the list.",
        {
            "200": answer(
                "The key.",
                json_of("Key", key=KEY | {"state": "revoked", "revoked_at": EXAMPLE_TIME}),
            ),
            **refusals((*ACCESS, *CHANGE), always_open=True),
        },
    )


def _rotate() -> Schema:
    return operation(
        "rotateKey",
        "Give a key a new secret",
        "The old secret works for `grace_seconds` more. Sessions stay the key's.",
        {
            "200": answer("The key.", json_of("KeyWithSecret", key=WITH_SECRET)),
            **refusals((*ACCESS, *BODY, *CHANGE), always_open=True),
        },
    ) | _body("KeyRotation", required=False, grace={"grace_seconds": 600})


def _body(schema: str, *, required: bool, **examples: object) -> Schema:
    content = {JSON: json_of(schema, **examples)[JSON]}
    return {"requestBody": {"required": required, "content": content}}
