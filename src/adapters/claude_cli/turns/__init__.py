"""The execution of one turn on a CLI process."""
