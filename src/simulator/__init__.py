"""Simulated model providers, for `--offline`, the demo and tests."""
