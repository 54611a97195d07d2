"""Adapters that keep all state in this process's memory."""
