"""The request log: one line per request, without its contents."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import falcon.asgi

from modegate.domain.request_record import RequestRecord

Scope = Mapping[str, Any]

RECORD = "modegate.record"
FIRST_SERVER_ERROR = 500

log = logging.getLogger("modegate.requests")
TEMPLATE = logging.makeLogRecord({"name": log.name, "msg": "request", "args": ()}).__dict__


class RequestLine(logging.LogRecord):
    """A log record without the caller's position, which is constant and costs 10 % of the call."""

    def __init__(self, level: int, fields: Mapping[str, object]) -> None:
        now = time.time()
        self.__dict__.update(
            TEMPLATE,
            levelno=level,
            levelname=logging.getLevelName(level),
            created=now,
            msecs=now % 1 * 1000,
            fields=fields,
        )


class RequestLog:
    """Logs one line for each completed request."""

    def observe(self, record: RequestRecord) -> None:
        """Logs the record's fields; server errors as warnings."""
        level = logging.INFO if record.status < FIRST_SERVER_ERROR else logging.WARNING
        if log.isEnabledFor(level):
            log.handle(RequestLine(level, _fields(record)))


def record_of(req: falcon.asgi.Request) -> RequestRecord:
    """Returns the record of the current request."""
    record: RequestRecord = req.scope[RECORD]
    return record


def _fields(record: RequestRecord) -> Mapping[str, object]:
    shown = {
        "request_id": record.request_id,
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "duration_ms": round(record.seconds * 1000, 1),
        "key": record.key,
        "mode": record.mode,
        "model": record.model,
        "session_id": record.session,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "error": record.error,
        "client_left": record.client_left or None,
    }
    return {name: value for name, value in shown.items() if value is not None}
