"""The tables of upstreams: validation, secrets and mapping."""
