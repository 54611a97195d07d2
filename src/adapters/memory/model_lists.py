"""The lists of models of upstreams, kept in memory."""

import asyncio
from collections.abc import Iterable
from dataclasses import field

from modegate.application.ports.clock import Clock
from modegate.application.ports.model_catalog import ModelCatalog
from modegate.application.ports.model_lists import ModelList
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.routing.upstream import Upstream
from modegate.lazy_dataclass import dataclass

# Claude Code waits 3 s for the list of models.
MAX_WAIT_S = 2.0
# After a failure, the upstream is asked again only after so many seconds.
RETRY_S = 5.0
LONG_AGO = float("-inf")


@dataclass(slots=True)
class _Kept:
    upstream: Upstream
    list: ModelList = field(default_factory=ModelList)
    due_at: float = LONG_AGO
    task: asyncio.Task[None] | None = None
    is_known: bool = False


class KeptModelLists:
    """Fetches each list again after `ttl_s` seconds, and serves the last one in the meantime."""

    def __init__(self, catalog: ModelCatalog, clock: Clock, ttl_s: float) -> None:
        self._catalog = catalog
        self._clock = clock
        self._ttl_s = ttl_s
        self._kept: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def of(self, upstream: Upstream, credential: Credential | None) -> ModelList:
        """Returns what is known; see `ModelLists`."""
        kept = self._kept.get(upstream.name)
        if kept is None or kept.upstream.base_url != upstream.base_url:
            kept = self._kept[upstream.name] = _Kept(upstream)
        if credential is not None and kept.task is None and kept.due_at <= self._clock.now():
            kept.task = asyncio.create_task(self._fetch(kept, upstream, credential))
            self._tasks.add(kept.task)
            kept.task.add_done_callback(self._tasks.discard)
        if kept.task is not None and not kept.is_known:
            await asyncio.wait({kept.task}, timeout=MAX_WAIT_S)
            if kept.task is not None:  # it goes on in the background
                return ModelList(error=errors.timed_out())
        return kept.list

    def reconfigure(self, upstreams: Iterable[Upstream], ttl_s: float) -> None:
        """Forgets the lists of upstreams that are no longer there, or that have changed."""
        current = {it.name: it for it in upstreams}
        self._kept = {
            name: kept for name, kept in self._kept.items() if kept.upstream == current.get(name)
        }
        self._ttl_s = ttl_s
        for kept in self._kept.values():
            kept.due_at = min(kept.due_at, self._clock.now() + ttl_s)

    async def aclose(self) -> None:
        """Stops what is being fetched."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, kept: _Kept, upstream: Upstream, credential: Credential) -> None:
        try:
            kept.list = ModelList(await self._catalog.list_models(upstream, credential))
            kept.is_known = True
            kept.due_at = self._clock.now() + self._ttl_s
        except GatewayError as error:
            kept.list = ModelList(kept.list.models, error)
            kept.due_at = self._clock.now() + min(RETRY_S, self._ttl_s)
        finally:
            kept.task = None
