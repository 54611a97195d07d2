"""Sessions in a SQLite database."""
