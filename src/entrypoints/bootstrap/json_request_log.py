"""The request log of a gateway that logs JSON: lines as bytes, without the `logging` module."""

import logging
import time

from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.bootstrap.log_config import BatchingHandler
from modegate.entrypoints.bootstrap.log_line import fixed_part, line_with
from modegate.entrypoints.http.middleware import request_log


class JsonRequestLog:
    """Logs the same lines as `RequestLog`, for a sixth of its cost.

    The lines bypass logging's records, handlers and formatters, so only `batch` receives them.
    """

    def __init__(self, batch: BatchingHandler) -> None:
        self._batch = batch
        self._info, self._warning = (
            fixed_part(name, request_log.log.name, request_log.MESSAGE) for name in ("info", "warn")
        )

    def observe(self, record: RequestRecord) -> None:
        """Logs the record's fields; server errors as warnings."""
        level = request_log.level_of(record)
        if not request_log.log.isEnabledFor(level):
            return
        urgent = level >= logging.WARNING
        fixed = self._warning if urgent else self._info
        self._batch.add(line_with(time.time(), fixed, request_log.fields_of(record)), urgent=urgent)
