"""The tables, and their migrations: one step for each version of a part."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from modegate.domain.errors.catalogue import ledger
from modegate.lazy_dataclass import dataclass

# Advisory locks: "modegate" in ASCII, and the number behind it. Each is held for one transaction.
WRITE_LOCK = 0x6D6F_6465_6761_7465
SCHEMA_LOCK = WRITE_LOCK + 1

VERSIONS = """
CREATE TABLE IF NOT EXISTS modegate_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)
"""
READ_VERSION = "SELECT version FROM modegate_schema WHERE part = %s"
WRITE_VERSION = """
INSERT INTO modegate_schema VALUES (%s, %s)
ON CONFLICT (part) DO UPDATE SET version = excluded.version
"""
SUMS: LiteralString = """
    period BIGINT NOT NULL,
    group_id BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    priced BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    PRIMARY KEY (period, group_id)
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """The statements of each version of a part; published steps never change, append new ones."""

    part: str
    steps: Sequence[Sequence[LiteralString]]


USAGE = Schema(
    "usage",
    (
        (
            # The dimensions of sums, once for each combination; empty if unknown. The digest is
            # unique for them, because an index holds no text of any length.
            """
            CREATE TABLE modegate_usage_groups (
                id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                digest UUID NOT NULL UNIQUE,
                key TEXT COLLATE "C" NOT NULL,
                model TEXT COLLATE "C" NOT NULL,
                used_model TEXT COLLATE "C" NOT NULL,
                upstream TEXT COLLATE "C" NOT NULL,
                credential TEXT COLLATE "C" NOT NULL,
                mode TEXT COLLATE "C" NOT NULL,
                endpoint TEXT COLLATE "C" NOT NULL
            )
            """,
            # An id begins with the time, so the table needs no index to be read by time.
            """
            CREATE TABLE modegate_requests (
                id BIGINT PRIMARY KEY,
                group_id BIGINT NOT NULL,
                prompt_tokens BIGINT NOT NULL,
                cached_tokens BIGINT NOT NULL,
                cache_write_tokens BIGINT NOT NULL,
                completion_tokens BIGINT NOT NULL,
                reasoning_tokens BIGINT NOT NULL,
                cost_nano_usd BIGINT,
                status BIGINT NOT NULL,
                seconds DOUBLE PRECISION NOT NULL,
                first_token_s DOUBLE PRECISION,
                estimated BOOLEAN NOT NULL,
                request_id TEXT,
                session TEXT COLLATE "C",
                conversation TEXT,
                agent TEXT,
                parent_agent TEXT,
                subagent TEXT,
                price_version TEXT,
                error TEXT,
                attempts TEXT
            )
            """,
            # Numbers of hours and days since 1970-01-01, in UTC. The present hour is updated again
            # and again: with room on its page, that changes no index.
            f"CREATE TABLE modegate_hours ({SUMS}) WITH (fillfactor = 50)",
            f"CREATE TABLE modegate_days ({SUMS}) WITH (fillfactor = 50)",
        ),
    ),
)


def migrate(connection: Connection[TupleRow], schema: Schema) -> None:
    """Brings the part to its newest version, in the caller's transaction.

    Of several gateways, one does it. A current part is not written, so a standby can be read.

    Raises:
        StorageError: a later version of modegate made the part.
        psycopg.Error: a step failed; the transaction must be rolled back.
    """
    if _read_version(connection, schema) == len(schema.steps):
        return
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
    connection.execute(VERSIONS)
    for statements in schema.steps[_read_version(connection, schema) :]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(WRITE_VERSION, [schema.part, len(schema.steps)])


def _read_version(connection: Connection[TupleRow], schema: Schema) -> int:
    """Returns the version of a part; 0 if it does not exist."""
    (table,) = connection.execute("SELECT to_regclass('modegate_schema')").fetchone() or (None,)
    found = connection.execute(READ_VERSION, [schema.part]).fetchone() if table else None
    version = int(found[0]) if found else 0
    if version > len(schema.steps):
        raise ledger.later_schema(version, len(schema.steps))
    return version
