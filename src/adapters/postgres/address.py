"""The address of a database, as PostgreSQL's own client reads it."""

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

from modegate.adapters.postgres.options import PostgresOptions


def is_address(options: PostgresOptions) -> bool:
    """Returns whether the address can be parsed; an error would quote it, with its password."""
    try:
        conninfo_to_dict(options.url)
    except Error:
        return False
    return True
