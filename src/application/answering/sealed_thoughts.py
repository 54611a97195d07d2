"""Thoughts that a client keeps, sealed, and hands back with its next request.

An API takes its thoughts back with their signatures only. Clients of the Responses API get both in
`encrypted_content`.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace

from modegate.application.ports.sealer import Sealer
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import AnswerEvent, ReasoningDelta, ReasoningSigned
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message
from modegate.domain.conversation.thought import Thought
from modegate.domain.generation_request import GenerationRequest
from modegate.lazy_dataclass import dataclass

REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class SealedThoughts:
    """Seals the thoughts of answers, and opens those of requests."""

    sealer: Sealer

    async def opened(
        self, asked: GenerationRequest, client: ClientId, origin: str
    ) -> GenerationRequest:
        """Returns the request with the thoughts that `origin` takes back; others are left out."""
        if not any(it.thoughts for it in asked.conversation.messages):
            return asked
        said = [await self._opened(it, client, origin) for it in asked.conversation.messages]
        return replace(asked, conversation=Conversation(tuple(said)))

    async def seal(
        self, batches: AsyncIterator[Sequence[AnswerEvent]], client: ClientId, origin: str
    ) -> AsyncGenerator[Sequence[AnswerEvent], None]:
        """Yields the events of an answer; each thought that is signed is sealed, too."""
        text = GrowingText()
        async for batch in batches:
            sealed: list[AnswerEvent] = []
            for event in batch:
                if isinstance(event, ReasoningDelta):
                    text.add(event.text)
                if isinstance(event, ReasoningSigned):
                    signed = event.signature, origin
                    thought = Thought(text.text, *signed, is_redacted=event.is_redacted)
                    text = GrowingText()
                    sealed.append(replace(event, sealed=await self._sealed(thought, client)))
                else:
                    sealed.append(event)
            yield sealed

    async def _opened(self, message: Message, client: ClientId, origin: str) -> Message:
        if not message.thoughts:
            return message
        opened = [await self._open(it, client) for it in message.thoughts]
        # Each keeps its place; one without a signature is not sent.
        kept = (it if it.origin == origin else Thought() for it in opened)
        return replace(message, thoughts=tuple(kept))

    async def _open(self, thought: Thought, client: ClientId) -> Thought:
        """Returns the thought; one without an origin if it cannot be opened."""
        if thought.signature:  # of a response that is kept here
            return thought
        content = await self.sealer.open(thought.sealed, client)
        if content is None:
            return Thought()
        text, signature, origin, *redacted = json.loads(content)
        return Thought(text, signature, origin, is_redacted=bool(redacted))

    async def _sealed(self, thought: Thought, client: ClientId) -> str:
        content = [thought.text, thought.signature, thought.origin]
        if thought.is_redacted:  # only then, so that older gateways open the others
            content.append(REDACTED)
        return await self.sealer.seal(json.dumps(content).encode(), client)
