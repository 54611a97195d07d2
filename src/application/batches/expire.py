"""The use case that deletes old batches and files."""

from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.file_store import FileStore
from modegate.lazy_dataclass import dataclass

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireBatches:
    """Deletes files at the end of their lives, and batches that ended long ago."""

    queue: BatchQueue
    files: FileStore
    configuration: ConfigurationSource
    clock: Clock

    async def execute(self) -> int:
        """Deletes all of them, and returns their number."""
        now, deleted = self.clock.time_of_day(), 0
        before = now - self.configuration.current().batches.retention_s
        while number := await self.files.expire(now, PAGE):
            deleted += number
        while number := await self.queue.expire(before, PAGE):
            deleted += number
        return deleted
