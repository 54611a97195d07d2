"""Files that clients upload for batches, and those that batches write."""

from enum import StrEnum

from modegate.domain.access.client import ClientId
from modegate.lazy_dataclass import dataclass

ID_PREFIX = "file-mg_"


class Purpose(StrEnum):
    """What a file is for, with OpenAI's names."""

    BATCH = "batch"
    BATCH_OUTPUT = "batch_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileObject:
    """A file of one client; times are Unix seconds of the machine's clock, `size` is in bytes."""

    id: str
    client: ClientId
    name: str
    purpose: Purpose
    created_at: float
    expires_at: float
    size: int = 0


class FileSpaceError(Exception):
    """A file does not fit into the space that all files may take."""
