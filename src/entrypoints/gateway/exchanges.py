"""The exchanges of the Python API with the use cases: one request, answered as a whole or streamed."""

from collections.abc import AsyncGenerator

from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RelayedAnswer,
    StreamedAnswer,
)
from modegate.domain.answer.events import Finished, TextDelta
from modegate.domain.answer.fold import Completion
from modegate.domain.batches.item import SUCCESSES
from modegate.domain.errors.catalogue import backend
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.gateway.answers import (
    Answer,
    StreamEvent,
    generated_answer,
    relayed_answer,
)
from modegate.entrypoints.gateway.recording import recorded, refusal_of
from modegate.entrypoints.gateway.relayed_events import RelayedStream


async def complete_answer(container: Container, request: InboundRequest) -> Answer:
    """Returns the answer to a request.

    Raises:
        GatewayError: there is no answer.
    """
    record = request.record
    with recorded(record, (container.record_usage(),)):
        async with container.answer_request().execute(request) as answer:
            match answer:
                case CompleteAnswer(frame, completion):
                    return generated_answer(frame, completion, record)
                case RelayedAnswer(response):
                    _check(container, response, record)
                    content = await _content(response)
                case StreamedAnswer():
                    raise backend.never_started()
        return relayed_answer(content, record)


async def streamed_events(
    container: Container, request: InboundRequest
) -> AsyncGenerator[StreamEvent | Answer, None]:
    """Yields the events of an answer, then the complete answer.

    Raises:
        GatewayError: there is no answer, or it was cut.
    """
    record, relayed = request.record, RelayedStream()
    with recorded(record, (container.record_usage(),)):
        async with container.answer_request().execute(request) as answer:
            record.start_stream()
            if isinstance(answer, RelayedAnswer):
                _check(container, answer.response, record)
                async for event in relayed.events(answer.response.body):
                    yield event
            elif isinstance(answer, StreamedAnswer):
                async for each in _generated_events(answer, record):
                    yield each
        if isinstance(answer, RelayedAnswer):  # its usage is known now
            yield relayed.answer(record)


def _check(container: Container, response: UpstreamResponse, record: RequestRecord) -> None:
    if response.status not in SUCCESSES:
        raise refusal_of(response, record.hint, container.clock().time_of_day())


async def _content(response: UpstreamResponse) -> bytes:
    body = response.body
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


async def _generated_events(
    answer: StreamedAnswer, record: RequestRecord
) -> AsyncGenerator[StreamEvent | Answer, None]:
    texts: list[str] = []
    async for event in answer.rest:
        if isinstance(event, TextDelta):
            texts.append(event.text)
            yield StreamEvent(event.text)
        elif isinstance(event, Finished):
            completion = Completion("".join(texts), event.finish_reason, event.usage)
            yield generated_answer(answer.frame, completion, record)
