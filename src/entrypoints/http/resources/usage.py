"""`GET /v1/usage`, and how usage is sent."""

from collections.abc import Sequence
from dataclasses import replace

import falcon.asgi

from modegate.application.usage.query import QueryUsage
from modegate.dialects.json import encode
from modegate.dialects.usage.sums import usage_csv, usage_object
from modegate.domain.usage.query import CLIENT_FILTERS, CLIENT_GROUPS, Group, UsageQuery
from modegate.domain.usage.sums import UsageGroup
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.usage_parameters import (
    names_of,
    parameters_of,
    read_format,
    read_usage_query,
)
from modegate.lazy_dataclass import dataclass

CSV = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class OwnUsage:
    """The usage of the client's key."""

    usage: QueryUsage
    authenticator: Authenticator

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Responds with the sums of the client's own requests."""
        await self.authenticator.admit(req)
        given = parameters_of(req, names_of(CLIENT_FILTERS))
        form = read_format(given)
        query = read_usage_query(given, self.usage, CLIENT_GROUPS, CLIENT_FILTERS)
        # The key is not a filter that the client can choose.
        own = {Group.KEY: record_of(req).key_id or ""}
        query = replace(query, filters={**query.filters, **own})
        send_usage(resp, form, query, await self.usage.sums(query))


def send_usage(
    resp: falcon.asgi.Response, form: str, query: UsageQuery, found: Sequence[UsageGroup]
) -> None:
    """Responds with the sums as JSON or CSV."""
    if form == "csv":
        resp.content_type = CSV
        resp.data = usage_csv(query, found)
    else:
        resp.data = encode(usage_object(query, found))
