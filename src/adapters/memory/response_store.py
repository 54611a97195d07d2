"""Responses in the memory of one process."""

from collections import OrderedDict

from modegate.application.ports.clock import Clock
from modegate.domain.access.client import ClientId
from modegate.domain.kept_response import DEFAULT_LIMITS, KeptResponse, ResponseLimits


class MemoryResponseStore:
    """Keeps responses in a dictionary, for gateways without a state folder and for tests."""

    def __init__(self, clock: Clock, limits: ResponseLimits = DEFAULT_LIMITS) -> None:
        self._clock = clock
        self._limits = limits
        self._kept: OrderedDict[str, tuple[float, KeptResponse]] = OrderedDict()  # oldest first

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response; the oldest make place."""
        limits = self._limits
        if response.characters > limits.response_bytes:
            return
        self._kept.pop(response.id, None)
        self._kept[response.id] = (self._clock.now(), response)
        await self.expire()
        own = [it for _, it in self._kept.values() if it.client == response.client]
        self._make_place(own, limits.of_client, limits.client_bytes)
        self._make_place([it for _, it in self._kept.values()], limits.in_all, limits.all_bytes)

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client that has not expired."""
        await self.expire()
        kept = self._kept.get(response_id)
        return kept[1] if kept is not None and kept[1].client == client else None

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client."""
        if await self.find(response_id, client) is None:
            return False
        del self._kept[response_id]
        return True

    async def expire(self) -> int:
        """Deletes responses whose time is over."""
        until = self._clock.now() - self._limits.lifetime_s
        old = [it.id for put_at, it in self._kept.values() if put_at <= until]
        for response_id in old:
            del self._kept[response_id]
        return len(old)

    def _make_place(self, responses: list[KeptResponse], most: int, most_bytes: int) -> None:
        size = sum(it.characters for it in responses)
        for place, oldest in enumerate(responses):
            if len(responses) - place <= most and size <= most_bytes:
                return
            size -= oldest.characters
            del self._kept[oldest.id]
