"""What every response carries, whoever made it."""

import math
from collections.abc import Iterable

from modegate.entrypoints.http.gate import Gate
from modegate.entrypoints.http.middleware import SECURITY_HEADERS
from modegate.entrypoints.http.record import Record, Scope

Headers = list[tuple[bytes, bytes]]

SECURITY = tuple((k.lower().encode(), v.encode()) for k, v in SECURITY_HEADERS.items())


class Carried:
    """The request's id, the tightest limit, and what tells browsers to trust nothing."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def beside(
        self, own: Iterable[tuple[bytes, bytes]], scope: Scope, record: Record
    ) -> Headers:
        """The response's `own` headers, and these; a page that needs another policy says so itself.

        Where the request was not counted, the limit is its address's.
        """
        headers = list(own)
        named = {name for name, _ in headers}
        quota = record.quota or await self._gate.quota(scope)
        return [
            *headers,
            (b"x-request-id", (record.request_id or "").encode()),
            (b"x-ratelimit-limit", b"%d" % quota.limit),
            (b"x-ratelimit-remaining", b"%d" % quota.remaining),
            (b"x-ratelimit-reset", b"%d" % math.ceil(quota.reset_at)),
            *(header for header in SECURITY if header[0] not in named),
        ]
