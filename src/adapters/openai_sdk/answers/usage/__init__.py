"""Observes the usage in answers while they are relayed; sans-I/O."""
