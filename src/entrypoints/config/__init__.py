"""Loads and validates the operator's settings."""
