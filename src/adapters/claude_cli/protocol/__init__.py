"""What the CLI reads and writes; without I/O."""
