"""Measurements side by side: `make bench`. They give ratios; the figures depend on the machine."""
