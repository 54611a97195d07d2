"""The port for observers of requests."""

from typing import Protocol

from modegate.domain.request_record import RequestRecord


class RequestObserver(Protocol):
    """Receives the record of every request that has ended, failed ones included."""

    def observe(self, record: RequestRecord) -> None:
        """Handles one record. Must neither block nor raise: it runs on the hot path."""
        ...
