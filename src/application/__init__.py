"""The use cases, and the ports that they depend on."""
