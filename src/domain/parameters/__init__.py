"""Request parameters: what a backend does with each, and patterns of JSON values."""
