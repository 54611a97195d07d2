"""Names of tools that an API accepts, in place of those that it would reject."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from modegate.domain.answer.events import AnswerEvent, ToolCallStarted
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.tools.client_tool import ToolOffer

# Of OpenAI's API and of Anthropic's.
ACCEPTED = re.compile(r"[A-Za-z0-9_-]+")
OTHER = re.compile(r"[^A-Za-z0-9_-]")
DIGEST_CHARACTERS = 8


class AcceptedNames:
    """Replaces the names in a request that its API would reject, and restores them in its answer.

    Accepted names stay. The others keep their beginning, and end with a part of their digest. So a
    name is replaced by the same one in each request of a conversation.
    """

    def __init__(self, names: Iterable[str], longest: int) -> None:
        distinct = set(names)
        taken = {it for it in distinct if len(it) <= longest and ACCEPTED.fullmatch(it)}
        self._accepted: dict[str, str] = {}
        for name in sorted(distinct - taken):
            self._accepted[name] = next(it for it in _candidates(name, longest) if it not in taken)
            taken.add(self._accepted[name])
        self._given = {accepted: name for name, accepted in self._accepted.items()}

    @property
    def replaces_any(self) -> bool:
        """Whether there is a name to replace."""
        return bool(self._accepted)

    def replaced(self, asked: GenerationRequest) -> GenerationRequest:
        """Returns the request with accepted names in its tools, its choice and its history."""
        messages = tuple(map(self._message, asked.conversation.messages))
        tools = None if asked.tools is None else self._offer(asked.tools)
        return replace(asked, conversation=Conversation(messages), tools=tools)

    def restored(self, events: Sequence[AnswerEvent]) -> Sequence[AnswerEvent]:
        """Returns the events of an answer with the client's names of its tools."""
        return [
            replace(it, name=self._given.get(it.name, it.name))
            if isinstance(it, ToolCallStarted)
            else it
            for it in events
        ]

    def _offer(self, offer: ToolOffer) -> ToolOffer:
        tools = tuple(replace(it, name=self._of(it.name)) for it in offer.tools)
        names = None if offer.callable is None else frozenset(map(self._of, offer.callable))
        return replace(offer, tools=tools, callable=names)

    def _message(self, message: Message) -> Message:
        calls = tuple(replace(it, name=self._of(it.name)) for it in message.calls)
        name = None if message.name is None else self._of(message.name)
        return replace(message, calls=calls, name=name)

    def _of(self, name: str) -> str:
        return self._accepted.get(name, name)


def names_in(asked: GenerationRequest) -> Iterator[str]:
    """Yields the names of all tools that are offered, and of those that were called."""
    for message in asked.conversation.messages:
        yield from (call.name for call in message.calls)
    if asked.tools is not None:
        yield from (tool.name for tool in asked.tools.tools)


def _candidates(name: str, longest: int) -> Iterator[str]:
    begin = OTHER.sub("_", name)[: longest - DIGEST_CHARACTERS - 1]
    attempt = 0
    while True:
        digest = sha256(f"{name}{attempt or ''}".encode("utf-8", "surrogatepass")).hexdigest()
        yield f"{begin}_{digest[:DIGEST_CHARACTERS]}"
        attempt += 1
