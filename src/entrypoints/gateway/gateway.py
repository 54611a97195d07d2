"""`Gateway`: the way to embed modegate."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import partial
from types import TracebackType
from typing import Self

from modegate.domain.access.client import ANONYMOUS
from modegate.domain.batches.item import ItemResult
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.bootstrap.container import Container, live_container
from modegate.entrypoints.bootstrap.offline import offline_container
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.sources import load_settings
from modegate.entrypoints.gateway.answers import Answer
from modegate.entrypoints.gateway.batches import Execute, Items, Pace, parsed, run_items
from modegate.entrypoints.gateway.conversation import Conversation
from modegate.entrypoints.gateway.exchanges import complete_answer, streamed_events
from modegate.entrypoints.gateway.opening import item_execution, running
from modegate.entrypoints.gateway.requests import (
    ChatArguments,
    Messages,
    Params,
    choose_mode,
    read_mode,
)
from modegate.entrypoints.gateway.streams import AnswerStream

NOT_OPEN = "the gateway is not open: use it in `async with Gateway.from_env() as gateway:`"
DEFAULT_CONCURRENCY = 8

Opener = Callable[[], AbstractAsyncContextManager[Container]]


def noop(_: Answer) -> None:
    """No-op callback."""


class Gateway:
    """The gateway in this process; a context, which ends all that it started.

    Requests go through the same steps as over HTTP, but need no key, and no limit per address
    applies. `mode` is that of calls without one; by default the one that the settings say. A gateway belongs to one event loop, and can be
    opened once.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        mode: Mode | str | None = None,
        opener: Opener | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._mode = mapping.chat_mode(self._settings) if mode is None else read_mode(mode)
        self._opener = opener or partial(live_container, self._settings)
        self._stack: AsyncExitStack | None = None
        self._container: Container | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def from_env(
        cls,
        *,
        mode: Mode | str | None = None,
        config: str | None = None,
        environment: Mapping[str, str] = os.environ,
        offline: bool = False,
    ) -> Self:
        """Returns a gateway with the settings of `modegate serve`; `config` is a TOML file.

        With `offline` the models are simulated, as with `Gateway.offline`.

        Raises:
            SettingsError: the settings are invalid.
        """
        settings = load_settings(environment, config, with_upstreams=not offline).settings
        return cls.offline(settings, mode=mode) if offline else cls(settings, mode=mode)

    @classmethod
    def offline(cls, settings: Settings | None = None, *, mode: Mode | str | None = None) -> Self:
        """Returns a gateway whose models are simulated; it needs no key and no login."""
        used = settings or Settings()
        return cls(used, mode=mode, opener=partial(offline_container, used, dict(os.environ)))

    @property
    def container(self) -> Container:
        """The container with the use cases, whose parts can be overridden.

        Raises:
            RuntimeError: the gateway is not open.
        """
        if self._container is None:
            raise RuntimeError(NOT_OPEN)
        return self._container

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise RuntimeError("a gateway can be opened once")
        async with AsyncExitStack() as stack:
            self._container = await stack.enter_async_context(running(self._opener()))
            stack.push_async_callback(self._end_tasks)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends all streams, processes, tasks and connections. Idempotent."""
        self._container = None
        if self._stack is not None:
            await self._stack.aclose()

    async def chat(
        self,
        messages: Messages | Params,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
        session: str | None = None,
        **params: object,
    ) -> Answer:
        """Returns the answer to a request.

        `messages` is a prompt, a list of messages, or all parameters as a mapping. `session` is the
        `session_id` of an earlier answer of Claude Code. `params` are further parameters.

        Raises:
            GatewayError: there is no answer.
            ValueError: the mode is unknown.
        """
        arguments = ChatArguments(
            messages=messages, model=model, mode=mode, session=session, extra=params
        )
        return await self.answer(arguments)

    async def answer(self, arguments: ChatArguments) -> Answer:
        """Returns the answer to a request as `chat` does."""
        request = arguments.request(self._mode, stream=False)
        return await complete_answer(self.container, request)

    def stream(
        self,
        messages: Messages | Params,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
        session: str | None = None,
        **params: object,
    ) -> AnswerStream:
        """Returns the answer as it arrives; the arguments are those of `chat`.

        The request begins with the first event. Errors are raised by the iteration.
        """
        arguments = ChatArguments(
            messages=messages, model=model, mode=mode, session=session, extra=params
        )
        return self.start_stream(arguments, noop)

    def start_stream(
        self, arguments: ChatArguments, on_answer: Callable[[Answer], None]
    ) -> AnswerStream:
        """Returns the answer as `stream` does; `on_answer` is called with the complete one."""
        request = arguments.request(self._mode, stream=True)
        events = partial(streamed_events, self.container, request)
        return AnswerStream(events, self._tasks, on_answer)

    def session(
        self,
        session_id: str | None = None,
        *,
        model: str | None = None,
        mode: Mode | str | None = None,
    ) -> Conversation:
        """Returns a conversation; with `session_id` it continues a session of Claude Code."""
        chosen = choose_mode(mode, session_id, model, self._mode)
        return Conversation(self, chosen, session_id, model)

    async def end_session(self, session_id: str) -> None:
        """Deletes a session of Claude Code and its transcript.

        Raises:
            GatewayError: the session is unknown or busy.
        """
        await self.container.manage_sessions().end(session_id, ANONYMOUS.id)

    async def batch(
        self,
        items: Items,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        mode: Mode | str | None = None,
        retries: int = 2,
    ) -> AsyncGenerator[ItemResult, None]:
        """Yields the results of many requests as they come, `concurrency` of them at a time.

        Each item is an object of OpenAI's Batch format. A failure is a result, too; one that may
        pass is retried `retries` times. The items are read as there is room for them.

        Raises:
            ValueError: an item is no request; then the batch ends. Or a number is too small.
        """
        chosen = self._mode if mode is None else read_mode(mode)
        pace = Pace(concurrency=concurrency, retries=retries)
        results = run_items(parsed(items), self.item_execution(chosen), pace, self._tasks)
        async with aclosing(results):
            async for result in results:
                yield result

    def item_execution(self, mode: Mode) -> Execute:
        """Returns what answers one item of a batch; `mode` is that of items without one."""
        return item_execution(self.container, mode)

    async def flush_usage(self) -> None:
        """Waits until the ledger has the rows of all requests that have ended; never raises."""
        await self.container.usage_ledger().flush()

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
