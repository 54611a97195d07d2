"""Options of the database."""

from dataclasses import field

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """Where the database is, with its password if it has one."""

    url: str = field(repr=False)
