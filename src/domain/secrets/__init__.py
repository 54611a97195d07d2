"""Patterns of credentials, and their redaction."""
