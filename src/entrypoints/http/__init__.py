"""The HTTP interface: it reads requests, calls use cases, and writes what they return."""
