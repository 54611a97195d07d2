"""A database for several gateways: PostgreSQL."""
