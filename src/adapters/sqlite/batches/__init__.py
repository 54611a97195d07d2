"""The queue of batches and their files in SQLite."""
