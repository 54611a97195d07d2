"""What is left of a client's quota, on every response."""

import math

import falcon.asgi

from modegate.domain.quota import Quota
from modegate.entrypoints.http.gate import Gate


class RateLimitHeaders:
    """Tells the tightest limit; where a request was not counted, its address's."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def process_response(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        resource: object,  # noqa: ARG002
        req_succeeded: bool,  # noqa: ARG002, FBT001
    ) -> None:
        """When everything is known."""
        quota: Quota | None = getattr(req.context, "quota", None)
        if quota is None:
            quota = await self._gate.quota(req)
        resp.set_header("X-RateLimit-Limit", str(quota.limit))
        resp.set_header("X-RateLimit-Remaining", str(quota.remaining))
        resp.set_header("X-RateLimit-Reset", str(math.ceil(quota.reset_at)))
