"""The keys of clients: made, changed and revoked while the gateway runs."""
