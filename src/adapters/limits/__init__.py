"""Sliding windows from the library `limits`."""
