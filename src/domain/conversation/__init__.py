"""The conversation of a request, and the prompt built from it."""
