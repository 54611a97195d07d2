"""Files, batches and their lists as OpenAI's objects."""

from collections.abc import Mapping, Sequence

from modegate.domain.batches.batch import COMPLETION_WINDOW, Batch, BatchFault
from modegate.domain.batches.file import FileObject

TIMES = (
    *("created_at", "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at"),
    *("expired_at", "cancelling_at", "cancelled_at"),
)


def file_object(file: FileObject) -> dict[str, object]:
    """Returns a file as OpenAI's object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at),
        "expires_at": int(file.expires_at),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def deleted_file(file_id: str) -> dict[str, object]:
    """Returns the answer to a deletion."""
    return {"id": file_id, "object": "file", "deleted": True}


def batch_object(batch: Batch) -> dict[str, object]:
    """Returns a batch as OpenAI's object."""
    counts = batch.counts
    times = {name: getattr(batch, name) for name in TIMES}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": _errors(batch.faults),
        "input_file_id": batch.input_file_id,
        "completion_window": COMPLETION_WINDOW,
        "status": batch.state,
        "output_file_id": batch.output_file_id,
        "error_file_id": batch.error_file_id,
        **{name: None if time is None else int(time) for name, time in times.items()},
        "request_counts": {
            "total": counts.total,
            "completed": counts.completed,
            "failed": counts.failed,
        },
        "metadata": None if batch.metadata is None else dict(batch.metadata),
    }


def list_object(data: Sequence[Mapping[str, object]], *, has_more: bool) -> dict[str, object]:
    """Returns one page of a list."""
    return {
        "object": "list",
        "data": list(data),
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _errors(faults: Sequence[BatchFault]) -> dict[str, object] | None:
    if not faults:
        return None
    rows = [
        {"code": it.code, "message": it.message, "line": it.line, "param": it.param}
        for it in faults
    ]
    return {"object": "list", "data": rows}
