"""The limits of batches that the gateway runs."""

from modegate.lazy_dataclass import dataclass

MIB = 1024 * 1024
# As OpenAI's.
MAX_ITEMS = 50_000
MAX_INPUT_BYTES = 200 * MIB
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """At most `concurrency` items run at once in each process.

    Files and batches are kept for `retention_s` seconds. All files together have at most
    `max_bytes`, but output files are written in any case.
    """

    concurrency: int = 4
    retention_s: float = 30 * DAY_S
    max_bytes: int = 10 * 1024 * MIB
