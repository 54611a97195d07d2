"""What the CLI reports of failures, and the errors that they become; without I/O."""
