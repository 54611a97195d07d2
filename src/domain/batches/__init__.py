"""Batches: many requests in one file, their items, and the files."""
