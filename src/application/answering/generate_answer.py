"""The steps from a route to Claude Code to its answer.

    prepare → reserve → generate → settle

To generate is to attempt, redact, meter, and save the session.
"""

import time
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import replace
from functools import partial

from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.prepared_turn import PreparedTurn
from modegate.application.answering.redaction import redacted
from modegate.application.answering.required_call import generate_as_chosen
from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.application.budgets.demand import demand_of_turn
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.ports.answer_backend import AnswerBackend
from modegate.application.sessions.acknowledgement import Acknowledgement
from modegate.application.sessions.open_calls import OpenCalls
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.said import noted, said_after
from modegate.application.usage.metering import CLAUDE_URL, Metering, NoteUsage, metered
from modegate.application.usage.pricing import Asked
from modegate.dialects.registry import DIALECTS
from modegate.domain.access.client import Client
from modegate.domain.answer.events import AnswerEvent, Started
from modegate.domain.answer.fold import fold
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.configuration import Configuration
from modegate.domain.errors import GatewayError, SessionBusyError, SessionNotFoundError
from modegate.domain.errors.catalogue import backend
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.route import ClaudeRoute
from modegate.domain.tools.calls_lost import CallsLostError
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateAnswer:
    """Generates the answers of Claude Code, complete or streamed."""

    prepare: PrepareTurn
    backend: AnswerBackend
    sessions: SessionRegistry
    credential: ClaudeCredential
    metering: Metering
    budgets: ReserveBudget
    calls: OpenCalls

    @asynccontextmanager
    async def generate(
        self,
        route: ClaudeRoute,
        body: ChatBody,
        client: Client,
        request: InboundRequest,
        configuration: Configuration,
    ) -> AsyncIterator[RoutedAnswer]:
        """Generates one answer; leaving the context stops all work for it.

        On entering, a complete answer is complete, and a stream has its first event.

        Raises:
            GatewayError: on entering, if the request was rejected or the backend failed; from the
                events, if the answer was cut.
        """
        record, dialect = request.record, DIALECTS[request.dialect]
        await self.credential.check()
        async with AsyncExitStack() as answering:
            try:
                preparing = self.prepare.prepare(route, body, client.id, configuration, dialect)
                generating = self._generate(preparing, body, client, record, configuration)
                answer = await answering.enter_async_context(generating)
            except (SessionNotFoundError, SessionBusyError, CallsLostError) as error:
                if not _may_begin_anew(route, error):
                    raise
                anew = replace(route, anew=True)
                preparing = self.prepare.prepare(anew, body, client.id, configuration, dialect)
                generating = self._generate(preparing, body, client, record, configuration)
                answer = await answering.enter_async_context(generating)
            yield answer

    @asynccontextmanager
    async def _generate(
        self,
        preparing: AbstractAsyncContextManager[PreparedTurn],
        body: ChatBody,
        client: Client,
        record: RequestRecord,
        configuration: Configuration,
    ) -> AsyncIterator[RoutedAnswer]:
        async with preparing as prepared:
            _record_turn(record, prepared)
            model, prices = prepared.turn.cli_model, configuration.prices
            note = self.metering.of_turn(model, record, prices)
            demand = partial(demand_of_turn, body, Asked(prices, CLAUDE_URL, model))
            budgeted = self.budgets.around(nullcontext(), client, configuration, record, demand)
            if not prepared.turn.streamed:
                async with budgeted, self.sessions.in_turn(prepared.turn.session):
                    answer = await self._complete(prepared, record, note)
                yield answer
                return
            running = self.sessions.in_turn(prepared.turn.session)
            async with budgeted, running, self._stream(prepared, record, note) as streamed:
                yield streamed

    @asynccontextmanager
    async def _events(
        self,
        prepared: PreparedTurn,
        record: RequestRecord,
        note: NoteUsage,
        acknowledgement: Acknowledgement,
        heard: HeardAnswer,
    ) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        record.reached_backend = True
        record.backend_began = time.monotonic()

        async def stored(
            cli_session_id: str | None, transcript: str | None, unstored: str = ""
        ) -> bool:
            is_named = await acknowledgement.stored(cli_session_id, transcript, unstored)
            if prepared.turn.streamed:  # the client is about to know the calls
                await self.calls.note(prepared.turn, heard)
            return is_named

        turn = replace(prepared.turn, on_cut=note, on_stored=stored)
        redacts_arguments = prepared.redacts_arguments
        async with (
            generate_as_chosen(self.backend, turn) as raw,
            aclosing(redacted(raw, arguments=redacts_arguments)) as shown,
            aclosing(metered(shown, note, turn.prompt)) as counted,
            aclosing(noted(counted, heard)) as events,
        ):
            yield events

    async def _complete(
        self, prepared: PreparedTurn, record: RequestRecord, note: NoteUsage
    ) -> CompleteAnswer:
        acknowledgement = Acknowledgement(self.sessions, prepared.turn.session)
        heard = HeardAnswer()
        with self.credential.attempt():
            async with self._events(prepared, record, note, acknowledgement, heard) as events:
                completion = await fold(events)
        await acknowledgement.ended(completion.cli_session_id, said_after(prepared.turn, heard))
        await self.calls.note(prepared.turn, heard)
        await self.prepare.responses.keep(prepared.answered, completion)
        return CompleteAnswer(prepared.frame.without(completion.ignored), completion)

    @asynccontextmanager
    async def _stream(
        self, prepared: PreparedTurn, record: RequestRecord, note: NoteUsage
    ) -> AsyncIterator[StreamedAnswer]:
        session = prepared.turn.session
        acknowledgement, heard = Acknowledgement(self.sessions, session), HeardAnswer()
        async with AsyncExitStack() as generating:
            with self.credential.attempt():
                events = await generating.enter_async_context(
                    self._events(prepared, record, note, acknowledgement, heard)
                )
                first = await _first_of(events)
            await self.sessions.begun(session, first.cli_session_id)
            rest = self.prepare.responses.keeping(prepared.answered, events)
            yield StreamedAnswer(
                prepared.frame.without(first.ignored),
                first,
                rest if prepared.asked.is_kept else events,
            )
        # Saved again, because the session was in use for as long as the stream took. The client has
        # its answer by now, also where the session was lost meanwhile, which the store logs.
        with suppress(SessionBusyError):
            said = said_after(prepared.turn, heard)
            await acknowledgement.ended(first.cli_session_id, said)


def _may_begin_anew(route: ClaudeRoute, error: GatewayError) -> bool:
    """Returns whether the request can be answered from the history that it holds.

    The session that the history led to has lost its conversation, or is in use elsewhere. Or the
    session has lost the calls; then one that the request names is no longer used either, unless the
    calls are missing in the request, too.
    """
    return not route.anew and (isinstance(error, CallsLostError) or route.session_id is None)


def _record_turn(record: RequestRecord, prepared: PreparedTurn) -> None:
    record.model = prepared.frame.model
    record.session = prepared.frame.session_id
    record.apply_quota(prepared.quota)


async def _first_of(events: AsyncIterator[AnswerEvent]) -> Started:
    first = await anext(events, None)
    if not isinstance(first, Started):
        raise backend.never_started()
    return first
