"""`GET /admin/usage` and `GET /admin/requests`."""

from typing import ClassVar

import falcon.asgi

from modegate.application.usage.query import QueryUsage
from modegate.dialects.json import encode
from modegate.dialects.usage.rows import row_object
from modegate.domain.usage.query import FILTERS, Group
from modegate.entrypoints.http.admin.access import AdminAccess
from modegate.entrypoints.http.resources.usage import send_usage
from modegate.entrypoints.http.resources.usage_parameters import (
    REQUEST_PARAMETERS,
    names_of,
    parameters_of,
    read_format,
    read_requests_query,
    read_usage_query,
)
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of all keys."""

    available_while_draining: ClassVar[bool] = True

    usage: QueryUsage
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with the sums of requests, as JSON or CSV."""
        await self.access.admit(req)
        given = parameters_of(req, names_of(FILTERS))
        form = read_format(given)
        query = read_usage_query(given, self.usage, tuple(Group), FILTERS)
        send_usage(resp, form, query, await self.usage.sums(query))


@dataclass(frozen=True, slots=True)
class LastRequests:
    """The last requests, without their texts."""

    available_while_draining: ClassVar[bool] = True

    usage: QueryUsage
    access: AdminAccess

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with the last requests that reached a backend, the newest first."""
        await self.access.admit(req)
        query = read_requests_query(parameters_of(req, REQUEST_PARAMETERS))
        rows = await self.usage.requests(query)
        resp.data = encode({"object": "list", "data": [row_object(row) for row in rows]})
