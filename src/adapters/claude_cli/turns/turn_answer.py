"""The answer of a turn, made from the events of its process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.stderr_redaction import redact_stderr
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.turns.settlement import Settlement
from modegate.adapters.claude_cli.turns.turn_events import TurnEvents
from modegate.adapters.claude_cli.turns.turn_process import TurnProcess
from modegate.domain.answer.events import AnswerEvent, Started
from modegate.domain.errors.catalogue import claude_code
from modegate.lazy_dataclass import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """Yields the answer of one turn, or of the part of it after a client's results.

    `on_first_event` is called when the process has said something; `environments` returns those
    whose values its standard error must not show.
    """

    held: TurnProcess
    events: TurnEvents
    translator: Translator
    settlement: Settlement
    options: ClaudeOptions
    on_first_event: Callable[[], None]
    environments: Callable[[], tuple[Mapping[str, str], ...]]

    async def chunks(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the chunks of the answer.

        Raises:
            GatewayError: the turn failed.
        """
        translator = self.translator
        patience = self.options.first_event_timeout
        try:
            while not translator.finished:
                if translator.awaits_first_block and not await self.events.begins_to_speak():
                    for chunk in self._in_time(translator.start()):
                        yield chunk
                # A model that reasons may say nothing until the turn's timeout.
                async with asyncio.timeout(None if translator.is_reasoning else patience):
                    events = await self.events.read()
                if events:
                    patience = self.options.silence_timeout
                    self.on_first_event()
                for event in events:
                    for chunk in self._in_time(translator.feed(event)):
                        await self._keep_if_answered()
                        yield chunk
                if error := self.held.current.plain_error:
                    raise error
        except TimeoutError:
            for chunk in self._in_time(translator.give_up(claude_code.too_silent())):
                await self._keep_if_answered()
                yield chunk
        finally:
            self._log_stderr()

    def _in_time(self, chunks: Iterator[AnswerEvent]) -> Iterator[AnswerEvent]:
        """Yields chunks until the deadline; the first one names the settings that had no effect.

        An answer that was unfinished then stays so, even if a slow reader goes on: its turn is
        being removed from the conversation.
        """
        for chunk in chunks:
            if isinstance(chunk, Started):
                yield replace(chunk, ignored=self.held.current.input.settings.ignored)
            else:
                yield chunk
            if self.events.has_expired and not self.translator.finished:
                raise self.events.too_slow

    async def _keep_if_answered(self) -> None:
        """Makes the turn final before the last chunk is handed on.

        From then on a client may have the whole answer, so a kill must not undo the turn.
        """
        if self.translator.finished:
            await self.settlement.keep(self.translator.status, self.translator.cli_session_id)

    def _log_stderr(self) -> None:
        words = self.held.current.child.output.stderr
        if not words:
            return
        said = self.held.turn.prompt
        conversation = f"{said.system}\n{said.text}\n{self.translator.answer.text}"
        for environment in self.environments():
            words = redact_stderr(words, environment, conversation)
        if words:
            log.warning("claude wrote to stderr: %s", words)
