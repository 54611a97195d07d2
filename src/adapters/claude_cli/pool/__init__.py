"""Processes between turns, and the slots that bound them."""
