"""The HTTP interface: reads requests, calls use cases, and writes responses."""
