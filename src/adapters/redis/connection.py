"""The connection to Redis or Valkey, through redis-py."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)

from modegate.adapters.redis.channel import ChannelLostError
from modegate.adapters.redis.client import LinkClient
from modegate.adapters.redis.link import AwayError, Link
from modegate.adapters.redis.opening import Opening
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.script import PREFIX, Script
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import storage

__all__ = ["PREFIX", "RedisConnection", "Script"]

T = TypeVar("T")

# Answers of a server that takes no writes for now, such as in the middle of a failover.
AWAY_FOR_NOW = (ClusterDownError, MasterDownError, MovedError, ReadOnlyError, TryAgainError)

log = logging.getLogger(__name__)


class RedisConnection:
    """Two connections to one store: one for scripts, which are short, and one for all else.

    Each call is bounded in time, and fails at once while the store is known to be away. Callers at
    once share a connection; a call that is cancelled leaves nothing behind. Nothing is sent before
    the first call, so a gateway starts while its store is away.
    """

    def __init__(self, options: RedisOptions) -> None:
        address = options.address
        self.address = str(address)
        self._timeout_s = options.timeout_s
        self._scripts = Link(
            Opening(address, options.timeout_s).open, options.timeout_s, self._note_change
        )
        self._others = Link(Opening(address, options.timeout_s).open, options.timeout_s)
        self._client = LinkClient(self._others)
        self._was_up = True
        self._refused: str | None = None

    @property
    def is_up(self) -> bool:
        """Whether the store was there when it was last asked; True before that."""
        return self._scripts.failure is None

    async def check(self) -> None:
        """Reaches the store, if it can be reached.

        Raises:
            StorageError: it cannot, or its version is not supported.
        """
        with self._errors_told():
            await self._scripts.ask("PING")

    async def call(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Returns what `work` returns for the client of redis-py.

        Raises:
            StorageError: the store does not answer in time, or with an error.
        """
        with self._errors_told():
            async with asyncio.timeout(self._timeout_s):
                return await work(self._client)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """Runs a script, and loads it where the server does not have it.

        Raises:
            StorageError: the store does not answer in time, or with an error.
        """
        with self._errors_told():
            try:
                return await self._scripts.ask(
                    "EVALSHA", script.digest, len(keys), *keys, *arguments
                )
            except NoScriptError:  # a new server, or one that was started again
                return await self._scripts.ask("EVAL", script.source, len(keys), *keys, *arguments)

    async def aclose(self) -> None:
        """Closes all connections. Idempotent."""
        await self._scripts.aclose()
        await self._others.aclose()

    def _errors_told(self) -> "_ErrorsTold":
        return _ErrorsTold(self._note_refusal)

    def _note_change(self, failure: Exception | None) -> None:
        is_up = failure is None
        if is_up and not self._was_up:
            log.warning("store recovered")
        elif not is_up and self._was_up:
            log.error("store unreachable: %s", failure or type(failure).__name__)
        self._was_up = is_up

    def _note_refusal(self, refusal: str | None) -> None:
        """Logs an error that the server answered with, once until it answers with another one."""
        if refusal is not None and refusal != self._refused:
            log.error("store refused a command: %s", refusal)
        self._refused = refusal


class _ErrorsTold:
    """Translates what went wrong to errors for clients. A class, because it is made for each call."""

    __slots__ = ("_note_refusal",)

    def __init__(self, note_refusal: Callable[[str | None], None]) -> None:
        self._note_refusal = note_refusal

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, StorageError):
            return
        if isinstance(error, (AwayError, ChannelLostError, TimeoutError, OSError, *AWAY_FOR_NOW)):
            raise storage.store_away() from error
        if isinstance(error, RedisError):
            self._note_refusal(str(error))
            if isinstance(error, OutOfMemoryError):
                raise storage.store_full() from error
            raise storage.store_refused() from error
