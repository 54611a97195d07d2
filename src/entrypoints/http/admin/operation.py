"""`POST /admin/reload`, `GET /admin/config`, `POST` and `DELETE /admin/drain`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import falcon.asgi

from modegate.dialects.json import encode
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadResult:
    """What a reload changed, as the names of settings.

    `needs_restart` have another value now that only a restart uses. `fixed_by_environment` are in
    the file, too, and the environment overrides them.
    """

    changed: Sequence[str] = ()
    needs_restart: Sequence[str] = ()
    fixed_by_environment: Sequence[str] = ()
    unchanged: bool = False

    def describe(self) -> dict[str, object]:
        """Returns the result as a JSON object."""
        return {
            "changed": list(self.changed),
            "needs_restart": list(self.needs_restart),
            "fixed_by_environment": list(self.fixed_by_environment),
            "unchanged": self.unchanged,
        }


class GatewayControl(Protocol):
    """Reloads and drains the gateway, with all of its workers."""

    async def reload(self, trigger: str) -> ReloadResult:
        """Reads the configuration again, and uses it from now on; `trigger` is for the log.

        Raises:
            InvalidConfigurationError: it is invalid, and the old one stays.
        """
        ...

    def describe(self) -> Mapping[str, object]:
        """Returns the settings as a JSON object, with secrets masked."""
        ...

    async def drain(self, *, on: bool) -> None:
        """Rejects new requests, or takes it back.

        Raises:
            GatewayError: a worker did not do it, and none does.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reload:
    """The configuration, read again."""

    available_while_draining: ClassVar[bool] = True

    control: GatewayControl
    access: AdminAccess

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Reloads, and responds with what has changed."""
        await self.access.admit(req)
        resp.data = encode((await self.control.reload("admin API")).describe())


@dataclass(frozen=True, slots=True)
class Config:
    """The settings."""

    available_while_draining: ClassVar[bool] = True

    control: GatewayControl
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all settings and their sources."""
        await self.access.admit(req)
        resp.data = encode(self.control.describe())


@dataclass(frozen=True, slots=True)
class Drain:
    """The rejection of new requests."""

    available_while_draining: ClassVar[bool] = True

    control: GatewayControl
    access: AdminAccess

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Starts to drain."""
        await self._switch(req, resp, on=True)

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Takes it back."""
        await self._switch(req, resp, on=False)

    async def _switch(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, *, on: bool
    ) -> None:
        await self.access.admit(req)
        await self.control.drain(on=on)
        resp.data = encode({"draining": on})
