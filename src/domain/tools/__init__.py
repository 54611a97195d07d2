"""A client's own tools, and what it asks of their use."""
