"""Responses in memory: a client finds its own, for a time, and as many as fit."""

import pytest

from modegate.adapters.memory.response_store import MemoryResponseStore, ResponseLimits
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import (
    ImagePart,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.kept_response import KeptResponse
from modegate.domain.session import SessionId
from modegate.testing.clock import FakeClock

ADA, BOB = ClientId("ada"), ClientId("bob")
FRAME = AnswerFrame(completion_id="c-1", created=7, model="m", session_id=SessionId("s"))
ANSWER = Completion("Hi.", FinishReason.STOP, Usage(1, 1))


def response(response_id: str, client: ClientId = ADA, size: int = 3) -> KeptResponse:
    said = (text_message(Role.USER, "x" * size),)
    return KeptResponse(response_id, client, FRAME, ANSWER, said)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def found(store: MemoryResponseStore, *ids: str, client: ClientId = ADA) -> list[str]:
    return [it for it in ids if await store.find(it, client) is not None]


async def test_a_client_finds_and_deletes_its_own_only(clock: FakeClock) -> None:
    store = MemoryResponseStore(clock)
    await store.put(response("a"))
    assert await store.find("a", ADA) == response("a")
    assert await store.find("a", BOB) is None
    assert not await store.remove("a", BOB)
    assert await store.remove("a", ADA)
    assert not await store.remove("a", ADA)


def test_images_and_calls_count() -> None:
    image = Message(Role.USER, (TextPart("ab"), ImagePart("image/png", b"123")))
    call = Message(Role.ASSISTANT, calls=(ToolCall("a", "f", "{}"),))
    assert KeptResponse("a", ADA, FRAME, ANSWER, (image, call)).characters == 7


async def test_a_response_expires(clock: FakeClock) -> None:
    store = MemoryResponseStore(clock, ResponseLimits(lifetime=10))
    await store.put(response("a"))
    clock.advance(9)
    await store.put(response("b"))
    assert await found(store, "a", "b") == ["a", "b"]
    clock.advance(1)
    assert await found(store, "a", "b") == ["b"]


async def test_the_oldest_make_place_first_those_of_the_same_client(clock: FakeClock) -> None:
    store = MemoryResponseStore(clock, ResponseLimits(of_client=2, in_all=3, characters=100))
    await store.put(response("b1", BOB))
    for name in ("a1", "a2", "a3"):
        await store.put(response(name))
    assert await found(store, "a1", "a2", "a3") == ["a2", "a3"]
    assert await found(store, "b1", client=BOB) == ["b1"]
    await store.put(response("b2", BOB))
    assert await found(store, "b1", "b2", client=BOB) == ["b2"]
    await store.put(response("b3", BOB, size=94))
    assert await found(store, "a2", "a3") == ["a3"]
    await store.put(response("a4", size=101))
    assert await found(store, "a3", "a4") == []
