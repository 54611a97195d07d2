"""Authentication and admission of requests."""

from dataclasses import field

import falcon.asgi

from modegate.application.answering.admission import Admission, record_admission
from modegate.domain.access.client import Client
from modegate.domain.errors import AccessError, GatewayError, StorageError
from modegate.domain.inbound_request import Entry
from modegate.domain.quota import Quota
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_lifecycle import exit_stack_of
from modegate.entrypoints.http.middleware.request_log import Scope, record_of
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Admits requests; their permits are released when the request ends."""

    admission: Admission
    addresses: ClientAddresses = field(default_factory=ClientAddresses)

    async def quota(self, scope: Scope) -> Quota | None:
        """Returns the remaining quota of the request's address; None if it cannot be read."""
        try:
            return await self.admission.quota(self.addresses.find(scope))
        except StorageError:
            return None

    def entry(self, req: falcon.asgi.Request) -> Entry:
        """Returns the request's address and its keys for admission."""
        sent = connection_of(req).headers
        # Most requests have one of the two, and a missing one costs Falcon an exception.
        return Entry(
            self.addresses.find_or_warn(req.scope),
            req.get_header("Authorization") if b"authorization" in sent else None,
            req.get_header("x-api-key") if b"x-api-key" in sent else None,
        )

    def mode_of(self, req: falcon.asgi.Request) -> str | None:
        """Returns the mode of the client's key, before its request is admitted; None without one."""
        entry, keys = self.entry(req), self.admission.configuration.current().keys
        try:
            client = keys.identify(
                entry.authorization, entry.api_key, self.admission.clock.time_of_day
            )
        except GatewayError:  # its admission reports it
            return None
        return client.rules.mode

    async def known_client(self, req: falcon.asgi.Request) -> Client | None:
        """Returns the client of a valid key, or the anonymous one where none is needed.

        None if a key is needed and there is none. The request counts towards no limit.

        Raises:
            RateLimitError: the key is invalid, and the address exceeded its limit.
            AccessError: the key is invalid; such a request counts.
        """
        entry, keys = self.entry(req), self.admission.configuration.current().keys
        if not keys.is_open and entry.authorization is None and entry.api_key is None:
            return None
        try:
            return keys.identify(
                entry.authorization, entry.api_key, self.admission.clock.time_of_day
            )
        except AccessError:
            return await self.admit(req)

    async def admit(self, req: falcon.asgi.Request) -> Client:
        """Admits a request that does not go through the pipeline, and returns its client.

        Raises:
            RateLimitError: the address or the client exceeded its limit.
            AccessError: the key is missing or wrong.
        """
        admission = self.admission
        admitted = await admission.acquire(self.entry(req), admission.configuration.current())
        if admitted.permit is not None:
            exit_stack_of(req.scope).callback(admission.release, admitted)
        record_admission(record_of(req), admitted)
        return admitted.client
