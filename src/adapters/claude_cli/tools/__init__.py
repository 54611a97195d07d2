"""The client's own tools, as the CLI takes and names them."""
