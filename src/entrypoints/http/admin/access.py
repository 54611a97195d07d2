"""Admits operators to the admin API."""

import hmac
from collections.abc import Callable, Iterator

import falcon
import falcon.asgi

from modegate.application.ports.rate_limiter import RateLimiter
from modegate.domain.access.api_key import ApiKey, bearer_key
from modegate.domain.errors import RateLimitError
from modegate.domain.errors.catalogue import access, limits
from modegate.domain.quota import Limit
from modegate.entrypoints.http.admin.options import AdminOptions
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Checks the key of each request; limits the wrong keys of an address.

    Without an operator's key, the paths of the admin API do not exist.
    """

    options: Callable[[], AdminOptions]
    limiter: RateLimiter
    addresses: ClientAddresses

    async def admit(self, req: falcon.asgi.Request) -> None:
        """Admits an operator.

        Raises:
            RateLimitError: the address sent too many wrong keys; also with the right key.
            MissingKeyError: there is no key.
            InvalidKeyError: no key of the request is an operator's.
            falcon.HTTPNotFound: there are no operators.
        """
        options = self.options()
        if not options.keys:
            raise falcon.HTTPNotFound
        address = self.addresses.find_or_warn(req.scope)
        await self._check_failures(options.failures, address)
        presented = list(_keys_of(req))
        if not presented:
            raise access.missing_admin_key()
        record_of(req).key = str(presented[0])
        # Every pair is compared, so the time does not depend on the keys.
        if sum(_are_equal(key, it) for key in options.keys for it in presented):
            return
        await self._record_failure(options.failures, address)
        raise access.unknown_admin_key(str(presented[0]))

    async def _check_failures(self, limit: Limit, address: str) -> None:
        if (await self.limiter.peek(limit, address)).remaining <= 0:
            await self._record_failure(limit, address)

    async def _record_failure(self, limit: Limit, address: str) -> None:
        try:
            await self.limiter.record(limit, address)
        except RateLimitError as error:  # nothing was counted
            seconds = error.retry_after or limit.seconds
            raise limits.too_many_wrong_keys(seconds) from None


def _keys_of(req: falcon.asgi.Request) -> Iterator[ApiKey]:
    """Yields the keys of `Authorization: Bearer` and `x-api-key`."""
    if (key := bearer_key(req.get_header("Authorization"))) is not None:
        yield key
    if other := (req.get_header("X-API-Key") or "").strip():
        yield ApiKey(other)


def _are_equal(key: ApiKey, presented: ApiKey) -> bool:
    return hmac.compare_digest(key.digest, presented.digest)
