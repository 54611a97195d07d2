"""Adapters for the operating system's clock and random generator."""
