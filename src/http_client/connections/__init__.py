"""Connections of the client: opening, using, pooling and closing them."""
