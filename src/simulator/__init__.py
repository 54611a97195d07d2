"""A simulated model provider, for `--offline`, the demo and tests."""
