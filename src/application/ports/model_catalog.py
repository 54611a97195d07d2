"""The port for the upstream's list of models."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class ModelCatalog(Protocol):
    """Fetches the list of models from the upstream."""

    async def list_models(self) -> Sequence[Mapping[str, object]]:
        """Returns the upstream's model objects unchanged; empty if passthrough is not configured.

        Raises:
            GatewayError: if the upstream is configured and does not answer with a list.
        """
        ...
