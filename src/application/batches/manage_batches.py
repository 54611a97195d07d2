"""The use cases of batches: create, look up, list and cancel."""

from collections.abc import Callable, Mapping, Sequence

from modegate.application.answering.key_checks import check_mode
from modegate.application.batches.manage_files import ManageFiles
from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.domain.access.client import Client, ClientId
from modegate.domain.batches.batch import ID_PREFIX, WINDOW_S, Batch
from modegate.domain.batches.endpoints import ENDPOINTS
from modegate.domain.batches.file import Purpose
from modegate.domain.batches.state import BatchState
from modegate.domain.errors.catalogue import batches as errors
from modegate.domain.errors.catalogue import routing
from modegate.domain.routing.mode import Mode
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """What a client asks for: its values are valid, but its file may not exist."""

    input_file_id: str
    endpoint: str
    metadata: Mapping[str, str] | None = None
    output_expires_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPage:
    """One page of a list; `has_more` states whether another one follows."""

    batches: Sequence[Batch]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageBatches:
    """Creates and shows the batches of clients; another client's batch is as one that is unknown.

    `on_change` is called when there may be work for the workers of this process.
    """

    queue: BatchQueue
    files: ManageFiles
    clock: Clock
    ids: IdGenerator
    on_change: Callable[[], object]

    async def create(self, client: Client, mode: Mode, request: BatchRequest) -> Batch:
        """Stores a batch, which is validated and run later.

        Raises:
            ModeNotAllowedError: the key may not use the mode.
            UnsupportedEndpointError: the mode has no such endpoint.
            ObjectNotFoundError: the client has no such file.
            InvalidRequestError: the file has another purpose.
        """
        check_mode(client.rules, mode)
        if mode is Mode.CLAUDE_CODE and ENDPOINTS[request.endpoint].dialect is None:
            raise routing.no_such_endpoint()
        file = await self.files.get(client.id, request.input_file_id)
        if file.purpose is not Purpose.BATCH:
            raise errors.not_for_batches()
        now = self.clock.time_of_day()
        batch = Batch(
            id=f"{ID_PREFIX}{self.ids.session_id().replace('-', '')}",
            client=client.id,
            mode=mode,
            endpoint=request.endpoint,
            input_file_id=file.id,
            created_at=now,
            expires_at=now + WINDOW_S,
            metadata=request.metadata,
            output_expires_after_s=request.output_expires_after_s,
        )
        await self.queue.add(batch)
        self.on_change()
        return batch

    async def get(self, client: ClientId, batch_id: str) -> Batch:
        """Returns a batch of the client.

        Raises:
            ObjectNotFoundError: the client has no such batch.
        """
        found = await self.queue.get(batch_id)
        if found is None or found.client != client:
            raise errors.unknown_batch()
        return found

    async def list(self, client: ClientId, *, after: str | None, limit: int) -> BatchPage:
        """Returns one page of the client's batches."""
        found = await self.queue.find(client, after=after, limit=limit + 1)
        return BatchPage(batches=found[:limit], has_more=len(found) > limit)

    async def cancel(self, client: ClientId, batch_id: str) -> Batch:
        """Starts no more items of a batch; those that run still end. Idempotent.

        Raises:
            ObjectNotFoundError: the client has no such batch.
            BatchEndedError: the batch has ended.
        """
        await self.get(client, batch_id)
        changed = await self.queue.change(batch_id, self._cancelled)
        if changed is None:
            raise errors.unknown_batch()
        self.on_change()
        return changed

    def _cancelled(self, batch: Batch) -> Batch:
        if batch.state is BatchState.CANCELLING:
            return batch
        if not batch.can_enter(BatchState.CANCELLING):
            raise errors.ended(batch.state)
        return batch.entering(BatchState.CANCELLING, self.clock.time_of_day())
