"""The CLI's stream-json protocol, without I/O."""
