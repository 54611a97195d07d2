"""The tables of batches, their items and their files."""

from modegate.adapters.postgres.schema import Schema

BATCHES = Schema(
    "batches",
    (
        (
            """
            CREATE TABLE modegate_batches (
                id TEXT PRIMARY KEY,
                client TEXT NOT NULL,
                created_at DOUBLE PRECISION NOT NULL,
                expires_at DOUBLE PRECISION NOT NULL,
                state TEXT NOT NULL,
                total BIGINT NOT NULL DEFAULT 0,
                completed BIGINT NOT NULL DEFAULT 0,
                failed BIGINT NOT NULL DEFAULT 0,
                worker TEXT,
                due_at DOUBLE PRECISION NOT NULL DEFAULT 0,
                served_at DOUBLE PRECISION NOT NULL DEFAULT 0,
                fields TEXT NOT NULL
            ) WITH (fillfactor = 50)
            """,
            "CREATE INDEX modegate_batch_clients ON modegate_batches (client, created_at, id)",
            "CREATE INDEX modegate_batch_states ON modegate_batches (state)",
            # A custom id may have characters that a text in PostgreSQL must not have.
            """
            CREATE TABLE modegate_items (
                id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                batch TEXT NOT NULL,
                number BIGINT NOT NULL,
                custom_id BYTEA NOT NULL,
                line BYTEA NOT NULL,
                worker TEXT,
                retries BIGINT NOT NULL DEFAULT 0,
                ready_at DOUBLE PRECISION NOT NULL DEFAULT 0,
                failed BOOLEAN NOT NULL DEFAULT false,
                result BYTEA,
                UNIQUE (batch, custom_id)
            )
            """,
            "CREATE INDEX modegate_item_numbers ON modegate_items (batch, number)",
            """
            CREATE INDEX modegate_open_items ON modegate_items (batch, number) WHERE result IS NULL
            """,
            """
            CREATE INDEX modegate_item_workers ON modegate_items (worker) WHERE worker IS NOT NULL
            """,
            """
            CREATE TABLE modegate_workers (
                id TEXT PRIMARY KEY, seen_at DOUBLE PRECISION NOT NULL
            )
            """,
            """
            CREATE TABLE modegate_item_usage (
                id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                batch TEXT NOT NULL,
                custom_id BYTEA NOT NULL,
                usage BYTEA NOT NULL,
                UNIQUE (batch, custom_id)
            )
            """,
        ),
        (
            # What is stored of a file, complete or not; kept for a while without one, for those who
            # still write or read it.
            """
            CREATE TABLE modegate_contents (
                id TEXT PRIMARY KEY, touched_at DOUBLE PRECISION NOT NULL
            )
            """,
            """
            CREATE TABLE modegate_pieces (
                content TEXT NOT NULL,
                number BIGINT NOT NULL,
                bytes BYTEA NOT NULL,
                PRIMARY KEY (content, number)
            )
            """,
            # A name may have characters that a text in PostgreSQL must not have.
            """
            CREATE TABLE modegate_files (
                id TEXT PRIMARY KEY,
                client TEXT NOT NULL,
                name BYTEA NOT NULL,
                purpose TEXT NOT NULL,
                created_at DOUBLE PRECISION NOT NULL,
                expires_at DOUBLE PRECISION NOT NULL,
                size BIGINT NOT NULL,
                content TEXT NOT NULL,
                pieces BIGINT NOT NULL
            )
            """,
            "CREATE INDEX modegate_file_clients ON modegate_files (client, created_at, id)",
            "CREATE INDEX modegate_file_contents ON modegate_files (content)",
        ),
    ),
)
