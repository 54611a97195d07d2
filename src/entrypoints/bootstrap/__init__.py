"""Wires adapters and use cases, and starts and ends them."""
