"""The credentials of upstreams: which one a request uses, and what its outcome changes."""
