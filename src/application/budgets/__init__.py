"""Budgets: reserve before a request, settle after it."""
