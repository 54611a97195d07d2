"""One process of the CLI: its start, environment, folder and end."""
