"""Kept responses where the store is away, and ids that no store is asked for."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from modegate.adapters.memory.response_store import MemoryResponseStore
from modegate.application.answering.kept_responses import Answered, KeptResponses
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import AnswerEvent, Finished, FinishReason, Started, TextDelta
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Role, text_message
from modegate.domain.errors import (
    InvalidRequestError,
    ObjectNotFoundError,
    PreviousResponseNotFoundError,
    StorageError,
)
from modegate.domain.errors.catalogue import storage
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.kept_response import KeptResponse
from modegate.testing.clock import FakeClock

ADA = ClientId("ada")
ANSWER = Completion("Hi.", FinishReason.STOP, Usage(1, 1))
ASKED = GenerationRequest(
    model="sonnet",
    conversation=Conversation((text_message(Role.USER, "Hello"),)),
    is_kept=True,
)
ANSWERED = Answered(ASKED, AnswerFrame(completion_id="chatcmpl-1", created=7, model="m"), ADA)


class Away(MemoryResponseStore):
    """A store that is away."""

    async def put(self, response: KeptResponse) -> None:
        del response
        raise storage.store_away()

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        del response_id, client
        raise storage.store_away()

    async def remove(self, response_id: str, client: ClientId) -> bool:
        del response_id, client
        raise storage.store_away()


@pytest.fixture
def responses() -> KeptResponses:
    return KeptResponses(Away(FakeClock()))


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    responses: KeptResponses,
) -> None:
    told: list[AnswerEvent] = [
        Started(),
        TextDelta("Hi."),
        Finished(FinishReason.STOP, Usage(1, 1)),
    ]

    async def events() -> AsyncIterator[AnswerEvent]:
        for event in told:
            yield event

    async def batches() -> AsyncIterator[Sequence[AnswerEvent]]:
        yield told

    await responses.keep(ANSWERED, ANSWER)
    assert [it async for it in responses.keeping(ANSWERED, events())] == told
    assert [it async for it in responses.keeping_batches(ANSWERED, batches())] == [told]


async def test_a_store_that_is_away_is_no_unknown_response(responses: KeptResponses) -> None:
    continuing = replace(ASKED, previous_response="resp_mg_1")
    item = {"input": [{"type": "item_reference", "id": "msg_mg_1_0"}]}
    for failing in (
        responses.continued(continuing, ADA),
        responses.with_items(item, ADA),
        responses.find("resp_mg_1", ADA),
        responses.remove("resp_mg_1", ADA),
    ):
        with pytest.raises(StorageError):
            await failing


@pytest.mark.parametrize("odd", ["", "resp_mg_\ud800", "resp_mg_1:2", "resp_mg_" + "1" * 200])
async def test_no_store_is_asked_for_an_id_that_no_response_has(
    responses: KeptResponses, odd: str
) -> None:
    with pytest.raises(PreviousResponseNotFoundError):
        await responses.continued(replace(ASKED, previous_response=odd), ADA)
    with pytest.raises(ObjectNotFoundError):
        await responses.find(odd, ADA)
    with pytest.raises(ObjectNotFoundError):
        await responses.remove(odd, ADA)
    with pytest.raises(InvalidRequestError):
        await responses.with_items(
            {"input": [{"type": "item_reference", "id": f"msg_mg_{odd}:_0"}]}, ADA
        )
