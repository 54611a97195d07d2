"""The adapter of the library `cryptography`."""
