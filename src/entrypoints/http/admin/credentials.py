"""`GET /admin/credentials`, `PATCH /admin/credentials/{id}`, and `POST …/{id}/probe`."""

from dataclasses import dataclass
from typing import ClassVar

import falcon.asgi

from modegate.application.credentials.manage import ManageCredentials
from modegate.dialects.json import encode, parse_json_object
from modegate.domain.errors.catalogue import credentials as errors
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.probes import SharedProbes
from modegate.entrypoints.http.admin.shapes import describe_credential
from modegate.entrypoints.http.messages.request_body import read_json_body
from modegate.entrypoints.http.middleware.client_connection import connection_of

ENABLED = "enabled"
MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """All credentials."""

    available_while_draining: ClassVar[bool] = True

    credentials: ManageCredentials
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all credentials and their states."""
        await self.access.admit(req)
        data = [describe_credential(view) for view in self.credentials.list()]
        resp.data = encode({"object": "list", "data": data})


@dataclass(frozen=True, slots=True)
class OneCredential:
    """One credential."""

    available_while_draining: ClassVar[bool] = True

    credentials: ManageCredentials
    access: AdminAccess

    async def on_patch(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, credential_id: str
    ) -> None:
        """Enables or disables the credential; responds when the change is stored."""
        await self.access.admit(req)
        client = connection_of(req)
        body = await read_json_body(req, client.headers, MAX_BODY_BYTES, client.read_body)
        enabled = read_enabled(body)
        view = await self.credentials.switch(credential_id, enabled=enabled)
        resp.data = encode(describe_credential(view))


@dataclass(frozen=True, slots=True)
class CredentialProbe:
    """A request with one credential."""

    available_while_draining: ClassVar[bool] = True

    probes: SharedProbes
    access: AdminAccess

    async def on_post(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, credential_id: str
    ) -> None:
        """Probes the credential and responds with its new state."""
        await self.access.admit(req)
        resp.data = encode(describe_credential(await self.probes.run(credential_id)))


def read_enabled(body: bytes) -> bool:
    """Returns the value of `enabled`, the only field of the body.

    Raises:
        InvalidRequestError: the body is anything else.
    """
    fields = parse_json_object(body)
    enabled = fields.get(ENABLED)
    if not isinstance(enabled, bool) or len(fields) > 1:
        raise errors.no_switch()
    return enabled
