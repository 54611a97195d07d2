"""The `claude` executable, run as a supervised child process."""
