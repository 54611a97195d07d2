"""The step that asks once more where an answer is not what the client requires.

It must call a tool, or be a document that is valid against a schema.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace

from modegate.application.ports.answer_backend import AnswerBackend
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    Started,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.tools.client_tool import Calling
from modegate.domain.tools.forced_call import call_required
from modegate.domain.turn import Turn

REPAIR = "The document is not valid against its schema. At {}\nWrite the whole document again."
MAX_REPAIR_REQUESTS = 2


def generate_as_chosen(
    backend: AnswerBackend, turn: Turn
) -> AbstractAsyncContextManager[AsyncIterator[AnswerEvent]]:
    """Generates the answer, with a call of a tool or a valid document if the client requires one.

    Raises:
        ToolChoiceNotFollowedError: from the events, if the model was asked twice and made no call.
        SchemaValidationError: from the events, if its document is not valid the second time either.
    """
    if turn.output is None and not _requires_call(turn):
        return backend.generate(turn)
    return _TwoAttempts(backend, turn).generate()


def _requires_call(turn: Turn) -> bool:
    return turn.tools is not None and turn.tools.calling is Calling.REQUIRED


class _TwoAttempts:
    """One turn whose answer must have a call, or be a valid document.

    What the model says is held back until it calls a tool that it must call, and discarded if it
    calls none: it is then asked once more in the same session. So it is for a document that the
    backend has rejected. An answer at the output limit, or one that the model refuses, is handed
    out as it is.
    """

    def __init__(self, backend: AnswerBackend, turn: Turn) -> None:
        self._backend = backend
        self._turn = turn
        self._session = turn.session
        self._spent: Usage | None = None  # by attempts that have ended
        self._model: str | None = None
        self._is_complete = False
        self._has_begun = False  # whether the client has the begin of the message
        self._fault: str | None = None  # of the document

    @asynccontextmanager
    async def generate(self) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        try:
            async with aclosing(self._events()) as events:
                yield events
        finally:
            # The last word on the usage, after the estimate of an answer that was cut.
            if self._spent is not None and not self._is_complete:
                self._turn.on_cut(self._spent, self._model)

    async def _events(self) -> AsyncGenerator[AnswerEvent, None]:
        hooks = replace(self._turn, on_cut=self._spend, on_stored=self._stored)
        async with aclosing(self._attempt(hooks)) as first:
            async for event in first:
                self._has_begun = self._has_begun or isinstance(event, MessageStarted)
                yield event
        if self._is_complete:
            return
        async with aclosing(self._attempt(self._second(hooks))) as second:
            async for event in second:
                is_known = isinstance(event, MessageStarted) and self._has_begun
                if not (isinstance(event, Started) or is_known):
                    yield event
        if not self._is_complete:
            raise (
                claude_code.no_call() if self._fault is None else claude_code.schema_not_followed()
            )

    async def _attempt(self, turn: Turn) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the events of one attempt; none but `Started` if it makes no required call."""
        held: list[AnswerEvent] | None = [] if _requires_call(turn) else None
        async with self._backend.generate(turn) as events:
            async for event in events:
                if isinstance(event, Started):
                    cli_id = event.cli_session_id or self._session.cli_session_id
                    self._session = replace(self._session, cli_session_id=cli_id)
                    yield event
                    continue
                if isinstance(event, Finished):
                    self._spend(event.usage, event.model)
                    self._fault = event.rejected
                    has_no_call = held is not None and event.finish_reason is FinishReason.STOP
                    if has_no_call or event.rejected is not None:
                        return
                    self._is_complete = True
                    event = replace(event, usage=self._spent or event.usage)  # noqa: PLW2901
                if held is not None and not isinstance(event, ToolCallStarted | Finished):
                    held.append(event)
                    continue
                for it in held or ():
                    yield it
                held = None
                yield event

    def _second(self, first: Turn) -> Turn:
        output = first.output
        if self._fault is None:
            tools = first.tools.offered if first.tools else ()
            asked = call_required([tool.name for tool in tools])
        else:
            asked = REPAIR.format(self._fault)
        if output is not None:
            output = replace(output, requests=MAX_REPAIR_REQUESTS)
        prompt = Prompt.of_text(asked, first.prompt.system)
        return replace(first, prompt=prompt, session=self._session, resume=True, output=output)

    def _spend(self, usage: Usage, model: str | None) -> None:
        self._spent = usage if self._spent is None else self._spent.plus(usage)
        self._model = model or self._model

    async def _stored(
        self, cli_session_id: str | None, transcript: str | None, unstored: str = ""
    ) -> bool:
        is_named = await self._turn.on_stored(cli_session_id, transcript, unstored)
        if is_named and transcript is not None:
            used_at = self._session.used_at
            self._session = self._session.acknowledged(used_at, cli_session_id, transcript)
        return is_named
