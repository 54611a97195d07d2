"""The `claude` command: its executable, options, environment and login."""
