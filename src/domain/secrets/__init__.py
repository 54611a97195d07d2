"""Patterns of secrets, and their redaction."""
