"""`/admin/keys`, `/admin/keys/{id}`, and `POST /admin/keys/{id}/rotate`."""

from typing import ClassVar

import falcon
import falcon.asgi

from modegate.application.keys.fields import Fields, read_fields
from modegate.application.keys.manage import ManageKeys, NewSecret
from modegate.dialects.json import encode
from modegate.domain.errors.catalogue import keys as errors
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.body import fields_of
from modegate.entrypoints.http.admin.shapes import describe_key
from modegate.lazy_dataclass import dataclass

GRACE = "grace_seconds"
DEFAULT_GRACE_S = 3600
MAX_GRACE_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of clients."""

    available_while_draining: ClassVar[bool] = True

    keys: ManageKeys
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all keys, without secrets."""
        await self.access.admit(req)
        now = self.keys.clock.time_of_day()
        data = [describe_key(key, now) for key in await self.keys.list()]
        resp.data = encode({"object": "list", "data": data})

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Makes a key; responds with its secret when it is stored."""
        await self.access.admit(req)
        given = {name: it for name, it in (await fields_of(req)).items() if it is not None}
        created = await self.keys.create(read_fields(given))
        resp.status = falcon.HTTP_201
        resp.data = encode(_with_secret(created, self.keys))


@dataclass(frozen=True, slots=True)
class OneKey:
    """One key of a client."""

    available_while_draining: ClassVar[bool] = True

    keys: ManageKeys
    access: AdminAccess

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str
    ) -> None:
        """Responds with the key, without its secret."""
        await self.access.admit(req)
        key = await self.keys.show(key_id)
        resp.data = encode(describe_key(key, self.keys.clock.time_of_day()))

    async def on_patch(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str
    ) -> None:
        """Changes fields of the key; responds when the change is stored."""
        await self.access.admit(req)
        key = await self.keys.change(key_id, read_fields(await fields_of(req)))
        resp.data = encode(describe_key(key, self.keys.clock.time_of_day()))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str
    ) -> None:
        """Revokes the key; responds when that is stored."""
        await self.access.admit(req)
        key = await self.keys.revoke(key_id)
        resp.data = encode(describe_key(key, self.keys.clock.time_of_day()))


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """A new secret of a key."""

    available_while_draining: ClassVar[bool] = True

    keys: ManageKeys
    access: AdminAccess

    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key_id: str
    ) -> None:
        """Gives the key a new secret; responds with it when it is stored."""
        await self.access.admit(req)
        has_body = req.content_length or req.get_header("Transfer-Encoding") is not None
        grace = read_grace(await fields_of(req) if has_body else {})
        rotated = await self.keys.rotate(key_id, grace)
        resp.data = encode(_with_secret(rotated, self.keys))


def read_grace(fields: Fields) -> int:
    """Returns the seconds for which the old secret is accepted.

    Raises:
        InvalidRequestError: there are other fields, or the value is wrong.
    """
    for name in fields:
        if name != GRACE:
            raise errors.unknown_field(name, (GRACE,))
    grace = fields.get(GRACE)
    if grace is None:
        return DEFAULT_GRACE_S
    if not isinstance(grace, int) or isinstance(grace, bool) or not 0 <= grace <= MAX_GRACE_S:
        raise errors.wrong_field(GRACE, f"must be a whole number of 0 to {MAX_GRACE_S}")
    return grace


def _with_secret(made: NewSecret, keys: ManageKeys) -> dict[str, object]:
    described = describe_key(made.key, keys.clock.time_of_day())
    head = {name: described.pop(name) for name in ("id", "object")}
    return {**head, "secret": made.secret.reveal(), **described}
