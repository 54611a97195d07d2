"""Reloads the configuration of a running gateway."""
