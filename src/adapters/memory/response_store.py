"""Responses in the memory of one process."""

from collections import OrderedDict
from dataclasses import dataclass

from modegate.application.ports.clock import Clock
from modegate.domain.access.client import ClientId
from modegate.domain.kept_response import KeptResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseLimits:
    """The time to live in seconds, and the most responses and characters that are kept."""

    lifetime: float = 24 * 3600.0
    of_client: int = 200
    in_all: int = 1_000
    characters: int = 64_000_000


DEFAULT_LIMITS = ResponseLimits()


class MemoryResponseStore:
    """Keeps responses until they expire, or until newer ones need their place."""

    def __init__(self, clock: Clock, limits: ResponseLimits = DEFAULT_LIMITS) -> None:
        self._clock = clock
        self._limits = limits
        self._kept: OrderedDict[str, tuple[float, int, KeptResponse]] = (
            OrderedDict()
        )  # oldest first
        self._characters = 0

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response; the oldest make place."""
        self._drop(response.id)
        self._expire()
        size = response.characters
        self._kept[response.id] = (self._clock.now(), size, response)
        self._characters += size
        own = [it.id for _, _, it in self._kept.values() if it.client == response.client]
        for response_id in own[: -self._limits.of_client]:
            self._drop(response_id)
        while len(self._kept) > self._limits.in_all or self._characters > self._limits.characters:
            self._drop(next(iter(self._kept)))

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client that has not expired."""
        self._expire()
        kept = self._kept.get(response_id)
        return kept[2] if kept is not None and kept[2].client == client else None

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client."""
        if await self.find(response_id, client) is None:
            return False
        self._drop(response_id)
        return True

    def _expire(self) -> None:
        until = self._clock.now() - self._limits.lifetime
        while self._kept and next(iter(self._kept.values()))[0] <= until:
            self._drop(next(iter(self._kept)))

    def _drop(self, response_id: str) -> None:
        _, size, _ = self._kept.pop(response_id, (0.0, 0, None))
        self._characters -= size
