"""Structured output: schemas as the CLI takes them, and the check of documents."""
