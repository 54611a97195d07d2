"""The events, outcomes and usage of answers."""
