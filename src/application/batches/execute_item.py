"""The use case that answers one item of a batch, without HTTP."""

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.relay_call import RelayCall
from modegate.application.answering.relayed_dialects import is_spoken
from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RelayedAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.application.ports.clock import Clock
from modegate.application.ports.request_observer import RequestObserver
from modegate.application.sessions.manage import ManageSessions
from modegate.dialects.json import encode
from modegate.dialects.registry import DIALECTS
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.batches.endpoints import ENDPOINTS, VERSION
from modegate.domain.batches.item import SUCCESSES, BatchItem, ItemResult, Retry
from modegate.domain.batches.retrying import retry_of_error, retry_of_response
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.inbound_call import InboundCall
from modegate.domain.inbound_request import ChatBody, InboundRequest, InProcess
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode, ModeDecision, ModeDefaults
from modegate.domain.routing.operation import Operation
from modegate.domain.upstream_request import Target
from modegate.domain.upstream_response import UpstreamResponse
from modegate.lazy_dataclass import dataclass

OK = 200
ANEW = ModeDecision(Mode.PASSTHROUGH, anew=True, by_default=True)
JSON = (("content-type", "application/json"),)


@dataclass(slots=True)
class _Outcome:
    """The response to an item; `session_id` is that of the session which it started."""

    status: int
    body: bytes
    retry: Retry | None = None
    error: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteItem:
    """Answers items by the use cases of HTTP; each has a record, which the observers receive.

    `render_error` returns the status and the body of an error at a URL, in the words of the entry
    point and in the form of the URL, which may have the id of the request.
    """

    answer_request: AnswerRequest
    relay_call: RelayCall
    sessions: ManageSessions
    clock: Clock
    observers: Sequence[RequestObserver]
    render_error: Callable[[GatewayError, str, str | None], tuple[int, bytes]]

    async def execute(self, item: BatchItem, mode: Mode, client: Client = ANONYMOUS) -> ItemResult:
        """Returns the result of one item; errors of the gateway and of upstreams are results, too.

        `mode` is that of the batch. `client` is charged for the item. A session that the item
        started is ended, because nothing can resume it.
        """
        record = RequestRecord("POST", request_id=str(uuid.uuid4()))
        decision = _decision(item, mode)
        try:
            try:
                outcome = await self._ask(item, decision, client, record)
            except GatewayError as error:
                outcome = await self._outcome_of_error(error, item.url, record.request_id)
                record.fail(error.code)
            record.status = outcome.status
        finally:
            record.end()
            for observer in self.observers:
                observer.observe(record)
        if outcome.session_id is not None:
            with suppress(GatewayError):  # then it expires
                await self.sessions.end(outcome.session_id, client.id)
        return ItemResult(
            custom_id=item.custom_id,
            status=outcome.status,
            body=outcome.body,
            request_id=record.request_id or "",
            error=outcome.error,
            retry=outcome.retry,
            usage=record.usage,
            cost_usd=record.cost_usd,
        )

    async def _ask(
        self, item: BatchItem, decision: ModeDecision, client: Client, record: RequestRecord
    ) -> _Outcome:
        endpoint = ENDPOINTS[item.url]
        record.route = item.url
        if endpoint.operation is not None and self._is_relayed(item, endpoint.dialect, decision):
            return await self._relay(item, endpoint.operation, decision, client, record)
        assert endpoint.dialect is not None  # noqa: S101 - all other endpoints are relayed
        keeps = decision.mode is Mode.CLAUDE_CODE and endpoint.dialect is DialectName.RESPONSES
        body = _not_kept(item.body) if keeps else item.body

        async def read() -> ChatBody:
            return body

        request = InboundRequest(
            decision=decision,
            read=read,
            dialect=endpoint.dialect,
            entry=InProcess(client),
            record=record,
        )
        async with self.answer_request.execute(request) as answer:
            return await self._outcome_of_answer(answer, endpoint.dialect)

    def _is_relayed(
        self, item: BatchItem, dialect: DialectName | None, decision: ModeDecision
    ) -> bool:
        """Returns whether the relay answers an item; it translates responses where it has to."""
        if dialect is None:
            return True
        if decision.mode is not Mode.PASSTHROUGH:
            return False
        routes = self.answer_request.configuration.current().routes
        return dialect is DialectName.RESPONSES or is_spoken(
            dialect, routes, decision, item.body.params
        )

    async def _relay(
        self,
        item: BatchItem,
        operation: Operation,
        decision: ModeDecision,
        client: Client,
        record: RequestRecord,
    ) -> _Outcome:
        async def read() -> ChatBody:
            return item.body

        record.route = f"{VERSION}{operation.template}"
        call = InboundCall(
            operation=operation,
            target=Target(method="POST", path=item.url.removeprefix(VERSION), headers=JSON),
            decision=decision,
            read=read,
            entry=InProcess(client),
            record=record,
        )
        async with self.relay_call.execute(call) as answer:
            return await self._outcome_of_answer(answer, DialectName.RESPONSES)

    async def _outcome_of_answer(self, answer: RoutedAnswer, dialect: DialectName) -> _Outcome:
        match answer:
            case CompleteAnswer(frame, completion):
                body = DIALECTS[dialect].complete(frame, completion)
                started = frame.session_id if frame.new_session else None
                return _Outcome(OK, body, session_id=started)
            case RelayedAnswer(response):
                return await self._outcome_of(response)
            case StreamedAnswer():
                raise ValueError("a batch has no streams")

    async def _outcome_of_error(
        self, error: GatewayError, url: str, request_id: str | None
    ) -> _Outcome:
        if isinstance(error, UpstreamRefusalError):
            return await self._outcome_of(error.response)
        status, body = self.render_error(error, url, request_id)
        return _Outcome(status, body, retry_of_error(error), error.code)

    async def _outcome_of(self, response: UpstreamResponse) -> _Outcome:
        body = response.body
        content = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
        if response.status in SUCCESSES:
            return _Outcome(response.status, content)
        now = self.clock.time_of_day()
        retry = retry_of_response(response.status, dict(response.headers), content, now)
        return _Outcome(response.status, content, retry)


def _decision(item: BatchItem, mode: Mode) -> ModeDecision:
    """Returns the mode of an item: what it says itself, also by its model, or that of its batch."""
    if item.mode is not None:
        return ModeDecision(item.mode, anew=True)
    model = item.body.params.get("model")
    return ModeDefaults(mode).decide(ANEW, DialectName.CHAT, model=model)


def _not_kept(body: ChatBody) -> ChatBody:
    """Returns a request for a response that is not kept, because its session ends."""
    params = {**body.params, "store": False}
    return ChatBody(encode(params), params)
