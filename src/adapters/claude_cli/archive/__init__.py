"""The stored transcripts of sessions, from which other gateways go on."""
