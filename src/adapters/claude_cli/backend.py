"""The Claude backend: one child process a turn."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

from modegate.adapters.claude_cli import failures
from modegate.adapters.claude_cli.child import LAST_WORDS, Child
from modegate.adapters.claude_cli.cleaning import clean
from modegate.adapters.claude_cli.command import build_command, build_input
from modegate.adapters.claude_cli.credentials import Credentials
from modegate.adapters.claude_cli.environment import build_environment
from modegate.adapters.claude_cli.executable import find_executable
from modegate.adapters.claude_cli.features import FeatureProbe
from modegate.adapters.claude_cli.guard import Guard
from modegate.adapters.claude_cli.lines import JsonLines
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.slots import Slots
from modegate.adapters.claude_cli.translator import AnswerChunk, Translator
from modegate.adapters.claude_cli.uninterrupted import uninterrupted
from modegate.adapters.claude_cli.workspace import Workspace
from modegate.domain.completion import Chunk, Completion, Finished
from modegate.domain.errors import BackendAuthError, TurnTimeoutError
from modegate.domain.health import ClaudeHealth
from modegate.domain.session import SessionId
from modegate.domain.turn import ClaudeTurn

log = logging.getLogger(__name__)


class ClaudeBackend:
    """Answers turns through the `claude` executable; also tells how it is."""

    def __init__(self, options: ClaudeOptions) -> None:
        self._options = options
        self._environment = build_environment(options)
        if options.uses_bare:
            # A key needs nothing of the host's own Claude Code folder, and leaves nothing in it.
            self._environment.setdefault("CLAUDE_CONFIG_DIR", str(options.state / "claude"))
        self._credentials = Credentials(options)
        self._features = FeatureProbe(self._environment)
        self._workspace = Workspace(options.state)
        self._slots = Slots(options.slots, options.queue_timeout)
        self._guard = Guard()
        self._ending: dict[SessionId, asyncio.Task[None]] = {}

    def look(self) -> ClaudeHealth:
        """The backend's state, from what is known without asking anybody."""
        return ClaudeHealth(
            executable=self._find_executable() is not None,
            credentials=self._credentials.state,
            capacity=self._slots.capacity,
        )

    async def complete(self, turn: ClaudeTurn) -> Completion:
        """The whole answer."""
        translator = Translator(handed_out=False)
        async with self._run(turn, translator) as chunks:
            last = [chunk async for chunk in chunks][-1]
        assert isinstance(last, Finished)  # noqa: S101 - the translator's promise
        return Completion(
            text=translator.answer.text,
            finish_reason=last.finish_reason,
            usage=last.usage,
            cli_session_id=translator.cli_session_id,
        )

    @asynccontextmanager
    async def stream(self, turn: ClaudeTurn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer's chunks as they come."""
        async with self._run(turn, Translator()) as chunks:
            yield chunks

    async def aclose(self) -> None:
        """Wait for the children that are ending, then let the guard go."""
        await asyncio.gather(*self._ending.values())
        await self._guard.aclose()

    @asynccontextmanager
    async def _run(
        self, turn: ClaudeTurn, translator: Translator
    ) -> AsyncIterator[AsyncIterator[AnswerChunk]]:
        executable = self._find_executable()
        if executable is None:
            raise failures.unavailable()
        if previous := self._ending.get(turn.session.id):
            await asyncio.wait({previous})
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._tidy, turn, translator)
            await stack.enter_async_context(self._slots.take())
            child = await stack.enter_async_context(self._child(turn, executable))
            chunks = self._chunks(child, translator)
            try:
                async with aclosing(chunks):
                    yield chunks
            finally:
                if translator.finished:
                    self._retire(turn.session.id, child, stack.pop_all())

    async def _chunks(
        self, child: Child, translator: Translator
    ) -> AsyncGenerator[AnswerChunk, None]:
        lines = JsonLines(self._options.stdout_limit)
        deadline = asyncio.get_running_loop().time() + self._options.turn_timeout
        try:
            while not translator.finished:
                async with asyncio.timeout_at(deadline):
                    data = await child.read()
                for event in lines.feed(data) if data else lines.flush():
                    for chunk in translator.feed(event):
                        self._credentials.accepted()
                        yield chunk
                if not data and not translator.finished:
                    await child.ended(LAST_WORDS)
                    raise failures.from_exit(child.exit_status, child.stderr)
        except TimeoutError:
            seconds = round(self._options.turn_timeout)
            raise TurnTimeoutError(
                f"Claude did not finish within {seconds} s: ask for less, or try again later."
            ) from None
        except BackendAuthError:
            self._credentials.refused()
            raise
        finally:
            self._log_stderr(child)

    @asynccontextmanager
    async def _child(self, turn: ClaudeTurn, executable: str) -> AsyncIterator[Child]:
        folder = await self._workspace.prepare(turn.session.id)
        child = await self._spawn(turn, executable, folder)
        self._guard.add(child.pid)
        try:
            child.write_and_close(build_input(turn.prompt))
            yield child
        finally:
            await uninterrupted(self._end(child))

    async def _end(self, child: Child) -> None:
        await child.stop(self._options.grace)
        self._guard.remove(child.pid)

    async def _spawn(self, turn: ClaudeTurn, executable: str, folder: Path) -> Child:
        try:
            features = await self._features.ask(executable)
            await self._guard.start()
            _, child = await asyncio.get_running_loop().subprocess_exec(
                lambda: Child(stderr_limit=self._options.stderr_limit),
                executable,
                *build_command(turn, self._options, features),
                env=self._environment,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            log.error("the claude executable cannot be started: %s", error.strerror)  # noqa: TRY400
            raise failures.unavailable() from error
        return child

    async def _tidy(self, turn: ClaudeTurn, translator: Translator) -> None:
        """Leave nothing of a new session that no client will ever hear of."""
        if not turn.resume and not translator.counts:
            await self._workspace.discard(turn.session.id)

    def _retire(self, session_id: SessionId, child: Child, stack: AsyncExitStack) -> None:
        """Let a child that has answered end by itself, behind the answer; its slot goes with it."""

        async def end() -> None:
            async with stack:
                await child.ended(self._options.grace)

        task = asyncio.create_task(end())
        self._ending[session_id] = task
        task.add_done_callback(lambda _: self._ending.pop(session_id))

    def _find_executable(self) -> str | None:
        return find_executable(self._options.executable, self._options.environment.get("PATH"))

    def _log_stderr(self, child: Child) -> None:
        if child.stderr:
            log.warning("claude wrote to stderr: %s", clean(child.stderr, self._environment))
