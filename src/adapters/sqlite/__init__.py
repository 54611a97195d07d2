"""Sessions, states of credentials and usage in SQLite databases."""
