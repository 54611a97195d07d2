"""One turn on a process of the CLI."""
