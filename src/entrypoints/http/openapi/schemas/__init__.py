"""The JSON schemas of requests and responses."""
