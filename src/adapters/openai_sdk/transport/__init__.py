"""The connections to the upstream: sends requests and receives the bytes of responses."""
