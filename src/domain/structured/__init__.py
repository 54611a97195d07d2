"""Structured output: the format of an answer, and the limits of its schema."""
