"""The upstream's own list of models."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class UpstreamModels(Protocol):
    """Asks the upstream which models it has."""

    async def fetch(self) -> Sequence[Mapping[str, object]]:
        """Its model objects as it describes them; empty where passthrough is not configured.

        Raises:
            GatewayError: the upstream is configured, and did not answer with a list.
        """
        ...
