"""The record of a request: written by the pipeline, read by observers."""

import time
from collections.abc import Sequence
from dataclasses import field
from typing import NamedTuple

from modegate.domain.answer.usage import Usage
from modegate.domain.budgets.account import Balance
from modegate.domain.quota import Quota
from modegate.lazy_dataclass import dataclass

# The client disconnected before its answer was complete; nginx logs the same status.
CLIENT_CLOSED_REQUEST = 499


class FailedAttempt(NamedTuple):
    """An attempt with a credential that failed; `status` is None if there was no response."""

    credential: str
    code: str
    status: int | None
    seconds: float


@dataclass(slots=True)
class RequestRecord:
    """One request, from its start to its end; holds no text of the client or the model.

    `key` is the client's masked key, and `key_id` its id. `credential` is the id of the upstream's
    credential. `model` is the model that the client asked for, and `used_model` the one that
    answered. `upstream_request_id` is the upstream's own id of the request. `started` and `seconds` are on the monotonic clock. `first_token` is the time to the
    first event of a stream, in seconds. `hint` is what an upstream's error means.
    `reached_backend` states whether a backend was asked. `cost_usd` is None if no price is known;
    `price_version` names the table that it comes from. `conversation`, `agent`, `parent_agent` and
    `subagent` are the client's own ids. `budget` has the balances of the key's budget. `attempts` are
    the failed attempts with credentials, None if there was none. `backend_began` is when the first
    backend was asked, on the monotonic clock, too. `traceparent` names the request's span to
    upstreams, in the form of the W3C's Trace Context.
    """

    method: str = "-"
    started: float = field(default_factory=time.perf_counter)
    route: str | None = None
    request_id: str | None = None
    key: str | None = None
    upstream: str | None = None
    credential: str | None = None
    mode: str | None = None
    model: str | None = None
    session: str | None = None
    error: str | None = None
    hint: str | None = None
    upstream_request_id: str | None = None
    quota: Quota | None = None
    status: int = CLIENT_CLOSED_REQUEST
    usage: Usage | None = None
    client_left: bool = False
    first_token: float | None = None
    seconds: float = 0.0
    key_id: str | None = None
    used_model: str | None = None
    reached_backend: bool = False
    cost_usd: float | None = None
    price_version: str | None = None
    conversation: str | None = None
    agent: str | None = None
    parent_agent: str | None = None
    subagent: str | None = None
    budget: Sequence[Balance] = ()
    attempts: list[FailedAttempt] | None = None
    backend_began: float | None = None
    traceparent: str | None = None

    def add_usage(self, usage: Usage) -> None:
        """Records the tokens of the answer; the last report counts."""
        self.usage = usage

    def fail(self, code: str) -> None:
        """Records an error's code."""
        self.error = code

    def add_attempt(self, attempt: FailedAttempt) -> None:
        """Records an attempt with a credential that failed."""
        if self.attempts is None:
            self.attempts = []
        self.attempts.append(attempt)

    def apply_quota(self, quota: Quota) -> None:
        """Records a limit that applies to the request; the strictest one is kept."""
        self.quota = quota.stricter_of(self.quota)

    def start_stream(self) -> None:
        """Records the time of the first event."""
        self.first_token = time.perf_counter() - self.started

    def end(self) -> None:
        """Records the duration."""
        self.seconds = time.perf_counter() - self.started
