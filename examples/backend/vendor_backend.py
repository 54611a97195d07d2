"""A vendor's backend in place of Claude: answers, stores conversations and reports its state."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, nullcontext

from vendor import VendorError

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    Started,
    TextDelta,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import BackendFailedError, SessionNotFoundError
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn

# Takes the model, the system prompt and all messages, alternating between client and model.
Ask = Callable[[str, str, Sequence[str]], AsyncGenerator[str, None]]


class VendorBackend:
    """Implements `AnswerBackend`, `TranscriptStore` and `BackendStatus`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._transcripts: dict[SessionId, list[str]] = {}
        self.under_way = 0

    @asynccontextmanager
    async def generate(self, turn: Turn) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Leaving the context stops all of the vendor's work for the turn."""
        self.under_way += 1
        try:
            async with aclosing(self._events(turn)) as events:
                yield events
        except VendorError as error:
            raise BackendFailedError("The vendor failed: send the request again.") from error
        finally:
            self.under_way -= 1

    async def _events(self, turn: Turn) -> AsyncGenerator[AnswerEvent, None]:
        messages = [*self._before(turn), turn.prompt.text]
        words: list[str] = []
        async with aclosing(self._ask(turn.cli_model, turn.prompt.system, messages)) as answer:
            async for word in answer:
                if not words:  # a failure before the first word can still become an HTTP status
                    yield Started()
                    yield MessageStarted()
                words.append(word)
                yield TextDelta(word)
        self._transcripts[turn.session.id] = [*messages, "".join(words)]
        yield Finished(FinishReason.STOP, Usage(_count(messages), len(words)))

    def _before(self, turn: Turn) -> list[str]:
        """Returns the earlier messages; a resumed turn has its last message alone."""
        if turn.resume and turn.session.id not in self._transcripts:
            raise SessionNotFoundError("The conversation is gone: start a new session.")
        return self._transcripts.get(turn.session.id, [])

    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        """Returns a page of the sessions with a transcript, so that expired ones can be deleted."""
        return sorted(it for it in self._transcripts if after is None or it > after)[:limit]

    async def delete(self, session_id: SessionId) -> bool:
        """Deletes a transcript. Idempotent."""
        self._transcripts.pop(session_id, None)
        return True

    def reserve(
        self, cli_model: str, effort: Effort | None
    ) -> AbstractContextManager[SessionId | None]:
        """Offers no session, because none is prewarmed."""
        del cli_model, effort
        return nullcontext()

    def status(self) -> ClaudeHealth:
        """For /health and /metrics."""
        capacity = Capacity(active=self.under_way, queued=0, warm=0, live=0, maximum=100)
        return ClaudeHealth(executable=True, credentials=CredentialState.OK, capacity=capacity)


def _count(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)
