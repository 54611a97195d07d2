"""The port for the known lists of models."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import GatewayError
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ModelList:
    """The last good list of an upstream, and the error of the last attempt to fetch it."""

    models: Sequence[Mapping[str, object]] = ()
    error: GatewayError | None = None


class ModelLists(Protocol):
    """Keeps the lists of models of upstreams, and fetches them in the background."""

    async def of(self, upstream: Upstream, credential: Credential | None) -> ModelList:
        """Returns what is known of an upstream's models; waits a bounded time for the first list.

        Without a credential, nothing is fetched.
        """
        ...
