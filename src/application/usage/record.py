"""The observer that enters requests into the usage ledger."""

from itertools import count

from modegate.application.ports.clock import Clock
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.row import UsageRow, row_id, row_of


class RecordUsage:
    """Adds a row for each request that reached a backend.

    `start` is the number of the first row. It should be random, so that the ids of gateways that
    share a ledger differ.
    """

    def __init__(self, ledger: UsageLedger, clock: Clock, start: int = 0) -> None:
        self._add = ledger.add
        self._time = clock.time_of_day
        self._numbers = count(start)

    def row(self, record: RequestRecord) -> UsageRow | None:
        """Returns the row of a request without adding it; None if it did not reach a backend."""
        if not record.reached_backend:
            return None
        return row_of(record, row_id(self._time(), next(self._numbers)))

    def observe(self, record: RequestRecord) -> None:
        """Adds the row of a request, if it reached a backend."""
        if record.reached_backend:
            self._add(row_of(record, row_id(self._time(), next(self._numbers))))
