"""One CLI process: its start, environment, folder and end."""
