"""`SyncGateway`: the gateway for programs without an event loop."""

import os
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from modegate.domain.batches.item import ItemResult
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.answers import Answer, StreamEvent
from modegate.entrypoints.gateway.batches import Items
from modegate.entrypoints.gateway.conversation import Conversation
from modegate.entrypoints.gateway.gateway import DEFAULT_CONCURRENCY, NOT_OPEN, Gateway
from modegate.entrypoints.gateway.loop_thread import LoopThread
from modegate.entrypoints.gateway.requests import Message, Messages, Params
from modegate.entrypoints.gateway.streams import AnswerStream

T = TypeVar("T")


class SyncStream(Iterator[StreamEvent]):
    """An answer as it arrives; see `AnswerStream`."""

    def __init__(self, stream: AnswerStream, thread: LoopThread) -> None:
        self._stream = stream
        self._thread = thread

    @property
    def answer(self) -> Answer | None:
        """The complete answer after the last event."""
        return self._stream.answer

    def __next__(self) -> StreamEvent:
        event = self._thread.call(_next(self._stream))
        if event is None:
            raise StopIteration
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the request. Idempotent."""
        with suppress(RuntimeError):  # the gateway was closed, and the stream with it
            self._thread.call(self._stream.aclose())


class SyncConversation:
    """Turns that continue each other; see `Conversation`."""

    def __init__(self, conversation: Conversation, thread: LoopThread) -> None:
        self._conversation = conversation
        self._thread = thread

    @property
    def id(self) -> str | None:
        """The session's id, once the first turn has answered."""
        return self._conversation.id

    @property
    def messages(self) -> list[Message]:
        """The messages of a conversation in passthrough."""
        return self._conversation.messages

    def chat(self, messages: Messages, **params: object) -> Answer:
        """Returns the answer to the next turn."""
        return self._thread.call(self._conversation.chat(messages, **params))

    def stream(self, messages: Messages, **params: object) -> SyncStream:
        """Returns the streamed answer to the next turn."""
        return SyncStream(self._conversation.stream(messages, **params), self._thread)

    def end(self) -> None:
        """Deletes the session and the messages."""
        self._thread.call(self._conversation.end())


class SyncGateway:
    """`Gateway` without `await`, for any number of threads; a context with the same methods."""

    def __init__(self, settings: Settings | None = None, *, mode: Mode | str | None = None) -> None:
        self._gateway = Gateway(settings, mode=mode)
        self._thread: LoopThread | None = None

    @classmethod
    def from_env(
        cls,
        *,
        mode: Mode | str | None = None,
        config: str | None = None,
        environment: Mapping[str, str] = os.environ,
        offline: bool = False,
    ) -> Self:
        """Returns a gateway with the settings of `modegate serve`; see `Gateway.from_env`."""
        made = Gateway.from_env(mode=mode, config=config, environment=environment, offline=offline)
        return cls._of(made)

    @classmethod
    def offline(cls, settings: Settings | None = None, *, mode: Mode | str | None = None) -> Self:
        """Returns a gateway whose models are simulated."""
        return cls._of(Gateway.offline(settings, mode=mode))

    @classmethod
    def _of(cls, gateway: Gateway) -> Self:
        made = cls.__new__(cls)
        made._gateway, made._thread = gateway, None  # noqa: SLF001 - of this class
        return made

    def __enter__(self) -> Self:
        thread = LoopThread()
        try:
            thread.call(self._gateway.__aenter__())
        except BaseException:
            thread.close(self._gateway.aclose())
            raise
        self._thread = thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all that the gateway started. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.close(self._gateway.aclose())

    def chat(
        self,
        messages: Messages | Params,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
        session: str | None = None,
        **params: object,
    ) -> Answer:
        """Returns the answer to a request; see `Gateway.chat`."""
        return self._opened().call(
            self._gateway.chat(messages, model=model, mode=mode, session=session, **params)
        )

    def stream(
        self,
        messages: Messages | Params,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
        session: str | None = None,
        **params: object,
    ) -> SyncStream:
        """Returns the answer as it arrives; see `Gateway.stream`."""
        thread = self._opened()
        return SyncStream(
            self._gateway.stream(messages, model=model, mode=mode, session=session, **params),
            thread,
        )

    def session(
        self,
        session_id: str | None = None,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
    ) -> SyncConversation:
        """Returns a conversation; see `Gateway.session`."""
        return SyncConversation(
            self._gateway.session(session_id, model=model, mode=mode), self._opened()
        )

    def batch(
        self,
        items: Items,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        mode: Mode | str | None = None,
        retries: int = 2,
    ) -> Generator[ItemResult, None, None]:
        """Yields the results of many requests as they come; see `Gateway.batch`."""
        thread = self._opened()
        results = self._gateway.batch(items, concurrency=concurrency, mode=mode, retries=retries)
        try:
            while (result := thread.call(_next(results))) is not None:
                yield result
        finally:
            with suppress(RuntimeError):  # the gateway was closed, and the batch with it
                thread.call(results.aclose())

    def _opened(self) -> LoopThread:
        if self._thread is None:
            raise RuntimeError(NOT_OPEN.replace("async with Gateway", "with SyncGateway"))
        return self._thread


async def _next(source: AsyncIterator[T]) -> T | None:
    return await anext(source, None)
