"""One CLI process: its start, output and end."""
