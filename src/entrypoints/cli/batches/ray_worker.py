"""The actor of `modegate batch run --ray`: a gateway in a process of the cluster."""

import asyncio

from modegate.domain.batches.item import BatchItem, ItemResult
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.batches import Execute
from modegate.entrypoints.gateway.gateway import Gateway


class BatchWorker:
    """Answers items with a gateway of its own, which the first item opens."""

    def __init__(self, settings: Settings, mode: Mode, *, is_offline: bool) -> None:
        self._gateway = Gateway.offline(settings) if is_offline else Gateway(settings)
        self._mode = mode
        self._opening = asyncio.Lock()
        self._execute: Execute | None = None

    async def execute(self, item: BatchItem) -> ItemResult:
        """Returns the result of one item, once the ledger has its row."""
        if self._execute is None:
            async with self._opening:
                if self._execute is None:
                    await self._gateway.__aenter__()
                    self._execute = self._gateway.item_execution(self._mode)
        result = await self._execute(item)
        await self._gateway.flush_usage()
        return result

    async def aclose(self) -> None:
        """Closes the gateway, which stores the usage."""
        await self._gateway.aclose()
