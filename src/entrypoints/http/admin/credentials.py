"""`GET /admin/credentials`, `PATCH /admin/credentials/{id}`, and `POST …/{id}/probe`."""

from collections.abc import Mapping
from typing import ClassVar

import falcon.asgi

from modegate.application.credentials.manage import ManageCredentials
from modegate.dialects.json import encode
from modegate.domain.errors.catalogue import credentials as errors
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.body import fields_of
from modegate.entrypoints.http.admin.probes import SharedProbes
from modegate.entrypoints.http.admin.shapes import describe_credential
from modegate.lazy_dataclass import dataclass

ENABLED = "enabled"


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
        enabled = _enabled_of(await fields_of(req))
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


def _enabled_of(fields: Mapping[str, object]) -> bool:
    """Returns the value of `enabled`, the only field.

    Raises:
        InvalidRequestError: there is anything else.
    """
    enabled = fields.get(ENABLED)
    if not isinstance(enabled, bool) or len(fields) > 1:
        raise errors.no_switch()
    return enabled
