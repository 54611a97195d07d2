"""Requests, answers and time bounds of the client, without I/O."""
