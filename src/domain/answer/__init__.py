"""The events of an answer, and its usage."""
