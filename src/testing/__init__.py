"""Fakes, simulated providers and contract suites, for tests of modegate and of code built on it."""
