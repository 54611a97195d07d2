"""Fetches images from URLs that clients send."""
