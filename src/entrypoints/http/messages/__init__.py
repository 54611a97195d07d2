"""Requests and responses: bodies, errors, event streams."""
