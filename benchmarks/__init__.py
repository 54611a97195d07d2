"""Comparative benchmarks: `make bench`. Compare the ratios; the figures depend on the machine."""
