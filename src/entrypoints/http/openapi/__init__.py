"""The description of the interface, made from what validates and renders."""
