"""The Python API: the gateway in a program, without a server."""
