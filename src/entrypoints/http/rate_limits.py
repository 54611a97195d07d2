"""What is left of a client's quota, on every response."""

import math

import falcon.asgi

from modegate.application.admission import Admission
from modegate.domain.quota import Quota


def tighten(req: falcon.asgi.Request, quota: Quota) -> None:
    """Another limit counts for the request; its response tells the tightest."""
    req.context.quota = quota.tighter(getattr(req.context, "quota", None))


class RateLimitHeaders:
    """Tells the tightest limit; where a request was not counted, its address's."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

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
            quota = await self._admission.quota(req.remote_addr)
        resp.set_header("X-RateLimit-Limit", str(quota.limit))
        resp.set_header("X-RateLimit-Remaining", str(quota.remaining))
        resp.set_header("X-RateLimit-Reset", str(math.ceil(quota.reset_at)))
