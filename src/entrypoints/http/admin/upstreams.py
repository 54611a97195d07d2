"""`GET /admin/upstreams`."""

import asyncio
from typing import ClassVar

import falcon.asgi

from modegate.application.credentials.list_upstreams import (
    ListUpstreams,
    UpstreamCheck,
    UpstreamView,
)
from modegate.dialects.json import encode
from modegate.domain.errors import TurnTimeoutError
from modegate.domain.errors.catalogue import parameters
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.admin.shapes import describe_check, describe_upstream
from modegate.lazy_dataclass import dataclass

MAX_CHECKS_AT_ONCE = 8
CHECK_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """All upstreams of the configuration."""

    available_while_draining: ClassVar[bool] = True

    upstreams: ListUpstreams
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with all upstreams; with `?check=true` connects to each of them."""
        await self.access.admit(req)
        views = self.upstreams.list()
        data = [describe_upstream(view) for view in views]
        if _wants_check(req):
            places = asyncio.Semaphore(MAX_CHECKS_AT_ONCE)
            checks = await asyncio.gather(*(self._check(view, places) for view in views))
            data = [one | {"check": check} for one, check in zip(data, checks, strict=True)]
        resp.data = encode({"object": "list", "data": data})

    async def _check(self, view: UpstreamView, places: asyncio.Semaphore) -> dict[str, object]:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S), places:
                return describe_check(await self.upstreams.check(view.upstream))
        except TimeoutError:
            return describe_check(UpstreamCheck(is_reachable=False, error=TurnTimeoutError.code))


def _wants_check(req: falcon.asgi.Request) -> bool:
    """Returns whether the upstreams are to be asked.

    Raises:
        InvalidRequestError: if `check` is neither true nor false.
    """
    value = req.get_param("check")
    if value not in {None, "true", "false"}:
        raise parameters.wrong_type("check", "true or false")
    return value == "true"
