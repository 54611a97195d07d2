"""Tests the backend with the contract suite of its port, and one test of its own.

pip install 'modegate[testing]'
pytest test_vendor_backend.py
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from vendor import VendorError, ask
from vendor_backend import VendorBackend

from modegate.domain.answer.events import Completion
from modegate.domain.turn import ClaudeTurn
from modegate.testing.contracts.answer_backend import CompletionBackendContract
from modegate.testing.turns import claude_turn


class TestVendorBackend(CompletionBackendContract[ClaudeTurn]):
    """Runs the suite with a vendor that answers, one that fails and one that is silent."""

    def turn(self) -> ClaudeTurn:
        return claude_turn("Hi")

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[VendorBackend]:
        async def answer(*_: object) -> AsyncGenerator[str, None]:
            for word in ("Hello ", "there."):
                yield word

        self.backend = VendorBackend(answer)
        yield self.backend

    @asynccontextmanager
    async def failing(self) -> AsyncIterator[VendorBackend]:
        async def fail(*_: object) -> AsyncGenerator[str, None]:
            raise VendorError
            yield ""

        yield VendorBackend(fail)

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
        first = claude_turn("I am Ada.", system="Be brief.")
        answer = await backend.complete(first)
        assert isinstance(answer, Completion)
        assert answer.text.strip() == "Be brief. You said: I am Ada."
        await backend.complete(claude_turn("Who?", session_id=first.session.id, resume=True))
        assert heard[1] == ["I am Ada.", answer.text, "Who?"]
