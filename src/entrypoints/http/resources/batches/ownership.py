"""Decides which requests about files and batches are the gateway's own."""

from collections.abc import Callable

import falcon.asgi

from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.domain.access.client import Client
from modegate.domain.dialect_name import DialectName
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.entrypoints.http.messages.mode_headers import decision_of
from modegate.entrypoints.http.messages.request_body import check_identity, is_json
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.middleware.request_log import record_of
from modegate.entrypoints.http.resources.relayed import RelayOptions
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What the resources of files and batches have in common."""

    configuration: ConfigurationSource
    authenticator: Authenticator
    options: Callable[[], RelayOptions]

    def decide(self, req: falcon.asgi.Request) -> ModeDecision:
        """Returns the mode of a request, and records it.

        Without headers it is the default of chat completions, which batches are made of.

        Raises:
            InvalidHeaderError: the header of the mode has a wrong value.
        """
        modes, key_mode = self.configuration.current().modes, self.authenticator.mode_of(req)
        decision = modes.decide(decision_of(req), DialectName.CHAT, key_mode)
        record_of(req).mode = decision.mode
        return decision

    def is_of_gateway(self, decision: ModeDecision) -> bool:
        """Returns whether a request that names no object is the gateway's."""
        if decision.mode is Mode.CLAUDE_CODE:
            return True
        table = self.configuration.current().routes.table
        return table is not None and not table.default.has_batches

    async def admit(self, req: falcon.asgi.Request, path: str, id_prefix: str) -> Client | None:
        """Returns the client of a request for one object; None if the request is to be relayed.

        The ids of the gateway's own objects begin with `id_prefix`.
        """
        decision = self.decide(req)
        if not path.startswith(id_prefix) and decision.mode is not Mode.CLAUDE_CODE:
            return None
        return await self.authenticator.admit(req)


def has_small_json(req: falcon.asgi.Request, most: int) -> bool:
    """Returns whether the body is JSON of a known length of at most `most` bytes."""
    length = req.content_length
    if length is None or length > most or not is_json(req.content_type or ""):
        return False
    check_identity(req)
    return True
