"""Reads batches."""

from modegate.dialects.stored_batch import COLUMNS

SELECT = f"SELECT {', '.join(COLUMNS)} FROM batches"  # noqa: S608 - ours
