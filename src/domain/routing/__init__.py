"""Modes, models, upstreams, and the route of a request."""
