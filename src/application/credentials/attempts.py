"""The attempts of one relayed request, each with another credential."""

import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any

from modegate.application.credentials.failures import failure_of_error, failure_of_response
from modegate.application.credentials.pools import CredentialPools
from modegate.application.ports.relay_backend import RelayBackend
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.pool import CredentialPool
from modegate.domain.credentials.verdict import Failure
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.request_record import FailedAttempt, RequestRecord
from modegate.domain.routing.route import RelayRoute
from modegate.domain.upstream_request import UpstreamRequest, noop
from modegate.domain.upstream_response import UpstreamResponse

FIRST_ERROR_STATUS = 400

Response = AbstractAsyncContextManager[UpstreamResponse]


class Attempts:
    """Sends requests to upstreams, with the next credential where the last one failed.

    `total_s` bounds the time until the first byte of the answer, for all credentials together. The
    client's own credential has one attempt, and nothing is learned from it.
    """

    def __init__(self, backend: RelayBackend, pools: CredentialPools, total_s: float) -> None:
        self.backend = backend
        self.pools = pools
        self.total_s = total_s

    def send(
        self, route: RelayRoute, request: UpstreamRequest, record: RequestRecord, sticky_key: str
    ) -> Response:
        """Sends one request; leaving the context closes the exchange.

        The response of the last attempt is returned, also if it is an error.

        Raises:
            CredentialsCoolingError: all credentials are cooling down.
            NoCredentialsError: all credentials are disabled or expired.
            GatewayError: the last attempt had no usable response.
        """
        record.upstream = route.upstream.name
        if route.own is not None:
            record.credential = route.own.id
            record.reached_backend = True
            record.backend_began = time.monotonic()
            return self.backend.send(request, route.own)
        pool = self.pools.of(route.upstream)
        return _Attempting(self, pool, request, record, sticky_key)


class _Attempting:
    """The context of one request with the server's credentials.

    A class, because a generator costs more for each request.
    """

    def __init__(
        self,
        attempts: Attempts,
        pool: CredentialPool,
        request: UpstreamRequest,
        record: RequestRecord,
        sticky_key: str,
    ) -> None:
        self._backend = attempts.backend
        self._pools = attempts.pools
        self._total_s = attempts.total_s
        self._pool = pool
        self._request = request
        self._record = record
        self._sticky_key = sticky_key
        self._asked: set[str] = set()
        self._began = self._attempt_began = 0.0

    async def __aenter__(self) -> UpstreamResponse:
        if not self._pools.states.is_loaded:
            await self._pools.states.load()
        now = self._pools.now()
        member = self._next(now)
        if member is None:
            raise self._pool.unavailable(now)
        while True:
            following: Member | None = None
            try:
                self._exchange = self._begin(member, now)
                response = await self._exchange.__aenter__()
            except GatewayError as error:
                following = self._after(member, failure_of_error(error))
                if following is None:
                    raise
            except BaseException:  # a cancellation says nothing about the credential
                self._pool.release(member)
                raise
            else:
                if response.status < FIRST_ERROR_STATUS:
                    self._pools.succeed(self._pool, member)
                    return response
                following = self._after(member, self._failure(response))
                if following is None:
                    return response
                await self._exchange.__aexit__(None, None, None)
            finally:
                self._request.on_failure = noop  # breaks the reference cycle
            member = following

    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Coroutine[Any, Any, bool | None]:
        return self._exchange.__aexit__(kind, error, trace)

    def _begin(self, member: Member, now: float) -> Response:
        """Returns the context of one attempt."""
        request, record = self._request, self._record
        request.on_failure = partial(self._note_repeated, member)
        record.credential = member.credential.id
        record.reached_backend = True
        if self._asked:
            request.time_left_s = self._total_s - (time.monotonic() - self._began)
        else:
            self._began = self._attempt_began = record.backend_began = time.monotonic()
            request.repeats_rate_limits = not self._pool.can_cool(now)
        return self._backend.send(request, member.credential)

    def _after(self, member: Member, failure: Failure) -> Member | None:
        """Records a failure; returns the credential for the next attempt, or None to stop."""
        verdict = self._pools.fail(self._pool, member, failure)
        self._record_attempt(member, failure)
        self._asked.add(member.credential.id)
        if not verdict.tries_next or not self._request.is_repeatable:
            return None
        return self._next(self._pools.now())

    def _next(self, now: float) -> Member | None:
        return self._pool.choose(now, self._sticky_key, self._asked)

    def _note_repeated(self, member: Member, error: GatewayError) -> None:
        """Records a failed attempt that is repeated with the same credential."""
        if isinstance(error, UpstreamRefusalError):
            failure = self._failure(error.response)
        else:
            failure = failure_of_error(error)
        self._pools.fail(self._pool, member, failure)
        self._record_attempt(member, failure)

    def _record_attempt(self, member: Member, failure: Failure) -> None:
        now = time.monotonic()
        seconds = round(now - self._attempt_began, 6)
        self._attempt_began = now
        self._record.add_attempt(
            FailedAttempt(member.credential.id, failure.code, failure.status, seconds)
        )

    def _failure(self, response: UpstreamResponse) -> Failure:
        return failure_of_response(response, self._pools.time_of_day())
