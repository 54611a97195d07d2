"""The use cases for sessions."""
