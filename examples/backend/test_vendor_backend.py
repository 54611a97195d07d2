"""The backend implements its port: six duties, a test each, and one of its own.

pip install 'modegate[testing]'
pytest test_vendor_backend.py
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from vendor import VendorError, ask
from vendor_backend import VendorBackend

from modegate.domain.answer.fold import fold
from modegate.testing.contracts.answer_backend import AnswerBackendContract
from modegate.testing.turns import answer_turn


class TestVendorBackend(AnswerBackendContract):
    """Every test of the suite, with a vendor that answers, one that fails and one that is silent."""

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[VendorBackend]:
        async def answer(*_: object) -> AsyncGenerator[str, None]:
            for word in ("Hello ", "there."):
                yield word

        self.backend = VendorBackend(answer)
        yield self.backend

    @asynccontextmanager
    async def echoing(self) -> AsyncIterator[VendorBackend]:
        yield VendorBackend(ask)

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[VendorBackend]:
        async def fail(*_: object) -> AsyncGenerator[str, None]:
            raise VendorError
            yield ""

        self.backend = VendorBackend(fail)
        yield self.backend

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[VendorBackend]:
        async def wait(*_: object) -> AsyncGenerator[str, None]:
            await asyncio.Event().wait()
            yield ""

        self.backend = VendorBackend(wait)
        yield self.backend

    async def released(self) -> None:
        assert self.backend.under_way == 0

    async def test_a_turn_that_resumes_knows_what_was_said(self) -> None:
        heard: list[Sequence[str]] = []

        async def listen(
            model: str, system: str, messages: Sequence[str]
        ) -> AsyncGenerator[str, None]:
            heard.append(messages)
            async for word in ask(model, system, messages):
                yield word

        backend = VendorBackend(listen)
        first = answer_turn("I am Ada.", system="Be brief.")
        async with backend.generate(first) as events:
            answer = await fold(events)
        assert answer.text.strip() == "Be brief. You said: I am Ada."
        again = answer_turn("Who?", session_id=first.session.id, resume=True)
        async with backend.generate(again) as events:
            await fold(events)
        assert heard[1] == ["I am Ada.", answer.text, "Who?"]
