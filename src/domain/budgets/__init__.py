"""Budgets: accounts, their windows, and reservations."""
