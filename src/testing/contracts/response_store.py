"""The contract of a `ResponseStore`."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from modegate.application.ports.response_store import ResponseStore
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedImage,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.kept_response import DEFAULT_LIMITS, KeptResponse, ResponseLimits
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.session import SessionId
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

ADA, BOB = ClientId("ada"), ClientId("bob and others")
LIFETIME_S = 0.5
WAIT_TIMEOUT_S = 30.0
# The size of the image in a response; what is stored beside it is smaller than the rest.
IMAGE_BYTES, ROOM_FOR_ONE = 20_000, 30_000
FRAME = AnswerFrame(
    completion_id="chatcmpl-1",
    created=7,
    model="sonnet",
    session_id=SessionId("s"),
    ignored=("user",),
    names={TurnSetting.EFFORT: ("reasoning.effort",)},
    ignored_tools=("web_search",),
    echoed={"metadata": {"a": "é"}, "store": True},
    tools=ToolOffer((ClientTool("f", "d", {"type": "object"}),), Calling.NONE, frozenset({"f"})),
)
ANSWER = Completion("Hi.", FinishReason.TOOL_CALLS, Usage(3, 2, cost_usd=0.25), calls=())


def response(number: int, client: ClientId = ADA) -> KeptResponse:
    """Returns a response with an image that cannot be compressed."""
    data = random.Random(number).randbytes(IMAGE_BYTES)  # noqa: S311 - the same every time
    said = Message(Role.USER, (TextPart("See"), ImagePart("image/png", data)))
    return KeptResponse(f"resp_mg_{number}", client, FRAME, ANSWER, (said,))


async def found(store: ResponseStore, *numbers: int, client: ClientId = ADA) -> Sequence[int]:
    """Returns the numbers of the responses that a client finds."""
    return [it for it in numbers if await store.find(f"resp_mg_{it}", client) is not None]


@pytest.mark.anyio
class ResponseStoreContract(ABC):
    """Tests the empty store that `store` returns."""

    @abstractmethod
    def store(
        self, limits: ResponseLimits = DEFAULT_LIMITS
    ) -> AbstractAsyncContextManager[ResponseStore]:
        """Returns the context of a new, empty store."""

    async def pass_time(self) -> None:
        """Lets a part of `LIFETIME_S` pass on the clock of the store."""
        await asyncio.sleep(LIFETIME_S / 10)

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_response_is_found_as_it_was_put(self) -> None:
        call = ToolCall("c", "f", '{"a": 1}')
        messages = (
            Message(Role.USER, (TextPart("é\ud800"), LinkedImage("https://a.example/b", "input"))),
            Message(Role.USER, (FilePart("text/plain", b"\xff\x00", "a.txt"),)),
            Message(Role.ASSISTANT, calls=(call,)),
            Message(Role.TOOL, (TextPart("2"),), call_id="c", is_error=True),
            text_message(Role.ASSISTANT, "Two."),
        )
        async with self.store() as store:
            kept = replace(response(1), messages=messages)
            await store.put(kept)
            await store.put(response(2))
            assert await store.find(kept.id, ADA) == kept
            assert await store.find(response(2).id, ADA) == response(2)

    async def test_a_client_finds_and_deletes_its_own_only(self) -> None:
        async with self.store() as store:
            await store.put(response(1))
            assert await found(store, 1, client=BOB) == []
            assert await store.remove(response(1).id, BOB) is False
            assert await found(store, 1) == [1]

    async def test_a_deleted_response_is_unknown(self) -> None:
        async with self.store() as store:
            assert await store.remove(response(1).id, ADA) is False
            await store.put(response(1))
            await store.put(response(2))
            assert await store.remove(response(1).id, ADA) is True
            assert await store.remove(response(1).id, ADA) is False
            assert await found(store, 1, 2) == [2]

    async def test_a_response_with_the_same_id_is_replaced(self) -> None:
        async with self.store(ResponseLimits(of_client=2)) as store:
            for number in (1, 2, 2, 2):
                await store.put(response(number))
            other = replace(response(2), completion=replace(ANSWER, text="Other."))
            await store.put(other)
            assert await store.find(other.id, ADA) == other
            assert await found(store, 1) == [1]

    async def test_the_oldest_of_a_client_make_place(self) -> None:
        async with self.store(ResponseLimits(of_client=2)) as store:
            await store.put(response(9, BOB))
            for number in (3, 1, 2):
                await store.put(response(number))
            assert await found(store, 1, 2, 3) == [1, 2]
            assert await found(store, 9, client=BOB) == [9]

    async def test_the_oldest_of_all_make_place(self) -> None:
        async with self.store(ResponseLimits(in_all=2)) as store:
            await store.put(response(1))
            await store.put(response(9, BOB))
            await store.put(response(2))
            assert await found(store, 1, 2) == [2]
            assert await found(store, 9, client=BOB) == [9]

    async def test_the_bytes_of_a_client_are_bounded(self) -> None:
        async with self.store(ResponseLimits(client_bytes=2 * ROOM_FOR_ONE)) as store:
            await store.put(response(9, BOB))
            for number in (3, 1, 2):
                await store.put(response(number))
            await store.remove(response(1).id, ADA)
            await store.put(response(4))
            assert await found(store, 1, 2, 3, 4) == [2, 4]
            assert await found(store, 9, client=BOB) == [9]

    async def test_the_bytes_of_all_are_bounded(self) -> None:
        async with self.store(ResponseLimits(all_bytes=2 * ROOM_FOR_ONE)) as store:
            await store.put(response(1))
            await store.put(response(9, BOB))
            await store.put(response(2))
            assert await found(store, 1, 2) == [2]
            assert await found(store, 9, client=BOB) == [9]

    async def test_a_response_that_is_too_large_takes_no_place(self) -> None:
        async with self.store(ResponseLimits(response_bytes=ROOM_FOR_ONE)) as store:
            await store.put(response(1))
            large = response(2)
            await store.put(replace(large, messages=large.messages * 2))
            assert await found(store, 1, 2) == [1]

    async def test_a_response_expires(self) -> None:
        async with self.store(ResponseLimits(lifetime_s=LIFETIME_S)) as store:
            await store.put(response(1))
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                while await found(store, 1):
                    await self.pass_time()
            assert await store.remove(response(1).id, ADA) is False

    async def test_nothing_is_left_of_an_expired_response(self) -> None:
        async with self.store(ResponseLimits(lifetime_s=LIFETIME_S)) as store:
            assert await store.expire() == 0
            await store.put(response(1))
            async with asyncio.timeout(WAIT_TIMEOUT_S):
                while not await store.expire():
                    await self.pass_time()
            assert await found(store, 1) == []
            assert await store.expire() == 0
