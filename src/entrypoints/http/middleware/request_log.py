"""What the log says of a request: one line, with nothing of its contents."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import falcon.asgi

from modegate.domain.answer.events import Usage
from modegate.domain.quota import Quota

Scope = Mapping[str, Any]

RECORD = "modegate.record"
FIRST_SERVER_ERROR = 500
# The client left before its answer was whole; no status says so, but logs do.
CLIENT_LEFT = 499

log = logging.getLogger("modegate.requests")
TEMPLATE = logging.makeLogRecord({"name": log.name, "msg": "request", "args": ()}).__dict__


class RequestLine(logging.LogRecord):
    """A line about a request; where in the code it was written is no news, and costs a tenth of it."""

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


@dataclass(slots=True)
class RequestLog:
    """Filled while the request is handled; `began` is on the clock that never goes back."""

    method: str
    began: float = field(default_factory=time.perf_counter)
    route: str | None = None
    request_id: str | None = None
    key: str | None = None
    mode: str | None = None
    model: str | None = None
    session: str | None = None
    error: str | None = None
    quota: Quota | None = None
    status: int = CLIENT_LEFT
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    client_left: bool = False
    first_token: float | None = None  # seconds, in a stream
    seconds: float = 0.0  # all of it, when it has ended

    def count(self, usage: Usage) -> None:
        """Note the tokens of a turn."""
        self.prompt_tokens = usage.prompt_tokens
        self.completion_tokens = usage.completion_tokens

    def fail(self, code: str) -> None:
        """Note what went wrong."""
        self.error = code

    def begin_stream(self) -> None:
        """Note the first event."""
        self.first_token = time.perf_counter() - self.began

    def end(self) -> None:
        """The request has ended: log the line."""
        self.seconds = time.perf_counter() - self.began
        level = logging.INFO if self.status < FIRST_SERVER_ERROR else logging.WARNING
        if log.isEnabledFor(level):
            log.handle(RequestLine(level, self._fields()))

    def _fields(self) -> Mapping[str, object]:
        shown = {
            "request_id": self.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "duration_ms": round(self.seconds * 1000, 1),
            "key": self.key,
            "mode": self.mode,
            "model": self.model,
            "session_id": self.session,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "error": self.error,
            "client_left": self.client_left or None,
        }
        return {name: value for name, value in shown.items() if value is not None}


def apply_quota(req: falcon.asgi.Request, quota: Quota) -> None:
    """Another limit counts for the request; its response tells the tightest."""
    record = request_log_of(req)
    record.quota = quota.stricter_of(record.quota)


def request_log_of(req: falcon.asgi.Request) -> RequestLog:
    """The record of a request that is being handled."""
    record: RequestLog = req.scope[RECORD]
    return record
