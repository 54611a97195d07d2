"""The tables of a ledger in a relational database, which SQLite and PostgreSQL have in common.

Statements have `?` for each value.
"""

from modegate.lazy_dataclass import dataclass

Statement = tuple[str, list[object]]
"""A statement and its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Names of the tables of rows, of the sums of hours and of days, and of groups.

    `join` is the join that reads rows in the order of their ids, and looks up their groups.
    """

    rows: str
    hours: str
    days: str
    groups: str
    join: str = "JOIN"
