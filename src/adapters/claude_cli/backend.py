"""The Claude backend: one child process a turn."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from modegate.adapters.claude_cli import failures
from modegate.adapters.claude_cli.child import LAST_WORDS, Child
from modegate.adapters.claude_cli.cleaning import clean
from modegate.adapters.claude_cli.command import build_command, build_input
from modegate.adapters.claude_cli.credentials import Credentials
from modegate.adapters.claude_cli.environment import build_environment, in_session
from modegate.adapters.claude_cli.executable import find_executable
from modegate.adapters.claude_cli.features import FeatureProbe
from modegate.adapters.claude_cli.guard import Guard
from modegate.adapters.claude_cli.lines import JsonLines
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.slots import Slots
from modegate.adapters.claude_cli.translator import AnswerChunk, Translator, joined
from modegate.adapters.claude_cli.uninterrupted import uninterrupted
from modegate.adapters.claude_cli.workspace import SessionFolder, Workspace
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
            text=joined(translator.answer.text),
            finish_reason=last.finish_reason,
            usage=last.usage,
            cli_session_id=translator.cli_session_id,
        )

    @asynccontextmanager
    async def stream(self, turn: ClaudeTurn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer's chunks as they come."""
        async with self._run(turn, Translator()) as chunks:
            yield chunks

    def drain(self) -> None:
        """Begin no more turns; those that wait for their beginning fail."""
        self._slots.drain()

    async def kept(self) -> list[SessionId]:
        """The sessions that have a folder."""
        return await self._workspace.kept()

    async def forget(self, session_id: SessionId) -> None:
        """Remove the session's folder and transcript."""
        await self._wait_for_end(session_id)
        await self._workspace.discard(session_id)

    async def aclose(self) -> None:
        """Wait for the children that are ending, then let the guard go."""
        while self._ending:
            await asyncio.wait(self._ending.values())
        await self._guard.aclose()

    @asynccontextmanager
    async def _run(
        self, turn: ClaudeTurn, translator: Translator
    ) -> AsyncIterator[AsyncIterator[AnswerChunk]]:
        executable = self._find_executable()
        if executable is None:
            raise failures.unavailable()
        await self._wait_for_end(turn.session.id)
        child = Child(stderr_limit=self._options.stderr_limit)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots.take())
            folder = await stack.enter_async_context(self._folder(turn, translator))
            try:
                await uninterrupted(self._spawn(child, turn, executable, folder))
                deadline = asyncio.get_running_loop().call_later(
                    self._options.turn_timeout, self._expire, turn, child, translator, stack
                )
                try:
                    async with aclosing(self._chunks(turn, child, translator)) as chunks:
                        yield chunks
                finally:
                    deadline.cancel()
            finally:
                if child.started and not child.expired:
                    self._end(turn, child, translator, stack.pop_all())

    async def _chunks(
        self, turn: ClaudeTurn, child: Child, translator: Translator
    ) -> AsyncGenerator[AnswerChunk, None]:
        lines = JsonLines(self._options.stdout_limit)
        patience = self._options.first_event_timeout
        try:
            while not translator.finished:
                async with asyncio.timeout(patience):
                    data = await child.read()
                patience = self._options.silence_timeout
                for event in lines.feed(data) if data else lines.flush():
                    for chunk in translator.feed(event):
                        self._credentials.accepted()
                        yield chunk
                if child.expired:
                    raise self._too_slow()
                if error := failures.from_words(lines.words):
                    raise error
                if not data and not translator.finished:
                    await child.ended(LAST_WORDS)
                    raise failures.from_exit(child.exit_status, child.stderr)
        except TimeoutError:
            raise self._too_silent() from None
        except BackendAuthError:
            self._credentials.refused()
            raise
        finally:
            self._log_stderr(child, turn, translator.answer.text)

    @asynccontextmanager
    async def _folder(
        self, turn: ClaudeTurn, translator: Translator
    ) -> AsyncIterator[SessionFolder]:
        """The session's folder, which after a turn that failed is as it was before."""
        async with AsyncExitStack() as stack:
            try:
                folder = await self._workspace.prepare(turn.session.id)
                await stack.enter_async_context(self._workspace.lock(folder))
                mark = await self._workspace.mark(folder)
            except OSError as error:
                log.error("the state folder cannot be used: %s", error.strerror)  # noqa: TRY400
                raise failures.unavailable() from error
            try:
                yield folder
            finally:
                if translator.finished:
                    await self._workspace.learn(folder)
                elif turn.resume:
                    await self._workspace.roll_back(folder, mark)
                elif not translator.counts:  # no client will ever hear of the session
                    await self._workspace.discard(turn.session.id)

    async def _spawn(
        self, child: Child, turn: ClaudeTurn, executable: str, folder: SessionFolder
    ) -> None:
        try:
            features = await self._features.ask(executable)
            await self._guard.start()
            await asyncio.get_running_loop().subprocess_exec(
                lambda: child,
                executable,
                *build_command(turn, self._options, features),
                env=in_session(self._environment, folder.config),
                cwd=folder.work,
                start_new_session=True,
            )
        except OSError as error:
            log.error("the claude executable cannot be started: %s", error.strerror)  # noqa: TRY400
            raise failures.unavailable() from error
        self._guard.add(child.pid)
        child.write_and_close(build_input(turn.prompt))

    def _expire(
        self, turn: ClaudeTurn, child: Child, translator: Translator, held: AsyncExitStack
    ) -> None:
        """The turn's time is over, whether or not anybody still reads its answer."""
        child.expire()
        self._end(turn, child, translator, held.pop_all())

    def _end(
        self, turn: ClaudeTurn, child: Child, translator: Translator, held: AsyncExitStack
    ) -> None:
        """Have the child end behind the answer; its slot and its folder go with it.

        One that has answered ends by itself, any other is stopped now.
        """

        async def end() -> None:
            async with held:
                if translator.finished:
                    await child.ended(self._options.grace)
                await child.stop(self._options.grace)
                self._guard.remove(child.pid)

        if not translator.finished:
            child.terminate()
        task = asyncio.create_task(end())
        self._ending[turn.session.id] = task
        task.add_done_callback(lambda _: self._ending.pop(turn.session.id))

    async def _wait_for_end(self, session_id: SessionId) -> None:
        if previous := self._ending.get(session_id):
            await asyncio.wait({previous})

    def _find_executable(self) -> str | None:
        return find_executable(self._options.executable, self._options.environment.get("PATH"))

    def _too_slow(self) -> TurnTimeoutError:
        seconds = round(self._options.turn_timeout)
        return TurnTimeoutError(
            f"Claude did not finish within {seconds} s: ask for less, or try again later."
        )

    def _too_silent(self) -> TurnTimeoutError:
        return TurnTimeoutError("Claude Code fell silent: send the request again.")

    def _log_stderr(self, child: Child, turn: ClaudeTurn, answer: str) -> None:
        conversation = f"{turn.prompt.system}\n{turn.prompt.text}\n{answer}"
        if words := clean(child.stderr, self._environment, conversation):
            log.warning("claude wrote to stderr: %s", words)
