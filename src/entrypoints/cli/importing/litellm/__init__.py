"""Converts the configuration of the LiteLLM proxy."""
