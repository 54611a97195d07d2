"""Wires adapters and use cases, and manages their lifecycle."""
