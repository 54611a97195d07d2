"""The use cases that answer a chat request."""
