"""Responses that are kept: continued by the next request, read and deleted."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from modegate.application.ports.response_store import ResponseStore
from modegate.dialects.responses.references import (
    items_of,
    references_of,
    response_of_item,
    with_items,
)
from modegate.dialects.responses.response import ID_PREFIX
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.fold import Completion, Folding
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.conversation.conversation import MAX_STEPS, Conversation
from modegate.domain.conversation.message import SYSTEM_ROLES, Role, text_message
from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import dialects
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.kept_response import KeptResponse, is_response_id
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """A request with the conversation that it continues, its client, and the frame of its answer.

    `origin` is that of the answer's thoughts; empty if they are not handed on.
    """

    asked: GenerationRequest
    frame: AnswerFrame
    client: ClientId
    origin: str = ""


@dataclass(frozen=True, slots=True)
class KeptResponses:
    """Keeps the responses of clients that want it; each belongs to its client."""

    store: ResponseStore

    async def continued(self, asked: GenerationRequest, client: ClientId) -> GenerationRequest:
        """Returns the request with the conversation that it continues.

        Raises:
            PreviousResponseNotFoundError: the client has no such response, or no longer.
            StorageError: the store cannot be asked.
            InvalidRequestError: the conversation has become too long.
        """
        if asked.previous_response is None:
            return asked
        found = await self._find(asked.previous_response, client)
        if found is None:
            raise dialects.unknown_previous()
        messages = (*found.messages, *asked.conversation.messages)
        if len(messages) > MAX_STEPS:
            raise dialects.too_long_to_continue(MAX_STEPS)
        return replace(asked, conversation=Conversation(messages))

    async def with_items(
        self, params: Mapping[str, object], client: ClientId
    ) -> Mapping[str, object]:
        """Returns the parameters of a request with the items that its `input` refers to.

        Raises:
            InvalidRequestError: the client has no response with such an item, or no longer.
            StorageError: the store cannot be asked.
        """
        found: dict[int, object] = {}
        known: dict[str, dict[str, object]] = {}
        for place, item_id in references_of(params).items():
            response_id = response_of_item(item_id) or ""
            if response_id not in known:
                kept = await self._find(response_id, client)
                known[response_id] = {} if kept is None else items_of(kept.frame, kept.completion)
            if item_id not in known[response_id]:
                raise dialects.unknown_item(f"input[{place}]")
            found[place] = known[response_id][item_id]
        return with_items(params, found) if found else params

    async def find(self, response_id: str, client: ClientId) -> KeptResponse:
        """Returns a response of the client.

        Raises:
            ObjectNotFoundError: the client has no such response, or no longer.
            StorageError: the store cannot be asked.
        """
        found = await self._find(response_id, client)
        if found is None:
            raise dialects.unknown_response()
        return found

    async def remove(self, response_id: str, client: ClientId) -> None:
        """Deletes a response of the client.

        Raises:
            ObjectNotFoundError: the client has no such response, or no longer.
            StorageError: the store cannot be asked.
        """
        if not is_response_id(response_id) or not await self.store.remove(response_id, client):
            raise dialects.unknown_response()

    async def keep(self, answered: Answered, completion: Completion) -> None:
        """Keeps a complete answer, if its client wants it.

        A failure is logged by the store and not raised, because the answer was paid for.
        """
        if not answered.asked.is_kept:
            return
        asked = answered.asked.conversation.messages
        answer = text_message(Role.ASSISTANT, completion.text)
        thoughts = tuple(replace(it, origin=answered.origin) for it in completion.thoughts)
        calls, runs = completion.calls, completion.runs
        said = (replace(answer, calls=calls, thoughts=thoughts, runs=runs),)
        kept = KeptResponse(
            answered.frame.id_with(ID_PREFIX),
            answered.client,
            answered.frame,
            completion,
            (*(it for it in asked if it.role not in SYSTEM_ROLES), *said),
        )
        with suppress(StorageError):
            await self.store.put(kept)

    async def keeping(
        self, answered: Answered, events: AsyncIterator[AnswerEvent]
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Yields the events of an answer; it is kept before the client has the last one."""
        folding = Folding()
        async for event in events:
            if (completion := folding.add(event)) is not None:
                await self.keep(answered, completion)
            yield event

    async def keeping_batches(
        self, answered: Answered, batches: AsyncIterator[Sequence[AnswerEvent]]
    ) -> AsyncGenerator[Sequence[AnswerEvent], None]:
        """Yields the events of an answer as `keeping`, those together that come together."""
        folding = Folding()
        async for batch in batches:
            for event in batch:
                if (completion := folding.add(event)) is not None:
                    await self.keep(answered, completion)
            yield batch

    async def _find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        return await self.store.find(response_id, client) if is_response_id(response_id) else None


async def each(events: Iterable[AnswerEvent]) -> AsyncIterator[AnswerEvent]:
    """Yields events that are there already."""
    for event in events:
        yield event
