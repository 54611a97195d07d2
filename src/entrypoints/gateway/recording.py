"""Records requests of the Python API as those over HTTP, and words their errors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from modegate.application.ports.request_observer import RequestObserver
from modegate.domain.batches.retrying import retry_of_response
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.request_record import RequestRecord
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.gateway.wording import ARGUMENTS
from modegate.entrypoints.http.messages.errors import status_of

OK = 200


@contextmanager
def recorded(record: RequestRecord, observers: Sequence[RequestObserver]) -> Iterator[None]:
    """Records the outcome of a request; the observers receive the record at the end."""
    try:
        yield
        record.status = OK
    except GatewayError as error:
        record.status = _status(error)
        record.fail(error.code)
        error.wording = ARGUMENTS
        raise
    finally:
        record.end()
        for observer in observers:
            observer.observe(record)


def _status(error: GatewayError) -> int:
    if isinstance(error, UpstreamRefusalError):
        return error.response.status
    return status_of(type(error))[0]


def refusal_of(response: UpstreamResponse, hint: str | None, now: float) -> UpstreamRefusalError:
    """Returns the error for an upstream's error response; `now` is in Unix seconds."""
    error = UpstreamRefusalError(response)
    body = response.body if isinstance(response.body, bytes) else b""
    retry = retry_of_response(response.status, dict(response.headers), body, now)
    error.is_repeatable = retry is not None
    error.retry_after = None if retry is None else retry.after_s
    error.hint = hint
    return error
