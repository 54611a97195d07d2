"""The adapters of PostgreSQL, whose client is an extra: each is imported only where it is used."""

from modegate.adapters.postgres.options import PostgresOptions
from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.file_store import FileStore
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.entrypoints.config import adapter_options
from modegate.entrypoints.config.settings import Settings


def postgres_usage_ledger(options: PostgresOptions) -> UsageLedger:
    """Returns the ledger in PostgreSQL."""
    from modegate.adapters.postgres.usage_ledger import PostgresUsageLedger  # noqa: PLC0415

    return PostgresUsageLedger(options)


def postgres_batch_queue(options: PostgresOptions) -> BatchQueue:
    """Returns the queue of batches in PostgreSQL."""
    from modegate.adapters.postgres.batches.queue import PostgresBatchQueue  # noqa: PLC0415

    return PostgresBatchQueue(options)


def postgres_file_store(options: PostgresOptions) -> FileStore:
    """Returns the files of batches in PostgreSQL."""
    from modegate.adapters.postgres.batches.file_store import PostgresFileStore  # noqa: PLC0415

    return PostgresFileStore(options)


def ledger_fault(settings: Settings) -> str | None:
    """Returns why the ledger that the settings name can never be opened; None if it may be."""
    if settings.modegate_ledger is None:
        return None
    try:
        from modegate.adapters.postgres.address import is_address  # noqa: PLC0415
    except ImportError:
        return 'MODEGATE_LEDGER needs a client of PostgreSQL: pip install "modegate[postgres]"'
    if not is_address(adapter_options.postgres_options(settings)):
        return "MODEGATE_LEDGER has a part that PostgreSQL does not know"
    return None
