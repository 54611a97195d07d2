"""Credentials for upstreams."""
