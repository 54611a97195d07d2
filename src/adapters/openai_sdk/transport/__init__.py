"""The connection to the upstream: requests out, bytes of the response in."""
