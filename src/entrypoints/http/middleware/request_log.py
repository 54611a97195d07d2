"""The request log: one line per request, without its contents."""

import logging
from collections.abc import Mapping
from typing import Any

import falcon.asgi

from modegate.domain.request_record import RequestRecord

Scope = Mapping[str, Any]

RECORD = "modegate.record"
FIRST_SERVER_ERROR = 500

MESSAGE = "request"
RARE = ("session_id", "error", "hint", "upstream_request_id", "client_left")
NO_RARE = (None,) * len(RARE)

log = logging.getLogger("modegate.requests")


class RequestLog:
    """Logs one line for each completed request."""

    def observe(self, record: RequestRecord) -> None:
        """Logs the record's fields; server errors as warnings."""
        level = level_of(record)
        if log.isEnabledFor(level):
            log.log(level, MESSAGE, extra={"fields": fields_of(record)})


def level_of(record: RequestRecord) -> int:
    """Returns the level of a record's line."""
    return logging.INFO if record.status < FIRST_SERVER_ERROR else logging.WARNING


def record_of(req: falcon.asgi.Request) -> RequestRecord:
    """Returns the record of the current request."""
    record: RequestRecord = req.scope[RECORD]
    return record


def fields_of(record: RequestRecord) -> Mapping[str, object]:
    """Returns the record's known fields as they are logged."""
    usual: dict[str, object] = {
        "request_id": record.request_id,
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "duration_ms": round(record.seconds * 1000, 1),
        "key": record.key,
        "mode": record.mode,
        "model": record.model,
        "upstream": record.upstream,
        "credential": record.credential,
    }
    if (usage := record.usage) is not None:
        usual["prompt_tokens"] = usage.prompt_tokens
        usual["completion_tokens"] = usage.completion_tokens
    left, upstream_id = record.client_left or None, record.upstream_request_id
    rare = (record.session, record.error, record.hint, upstream_id, left)
    if rare == NO_RARE and None not in usual.values():
        return usual  # nothing to filter, which costs more than the dict
    shown = {**usual, **dict(zip(RARE, rare, strict=True))}
    return {name: value for name, value in shown.items() if value is not None}
