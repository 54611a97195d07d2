"""API keys, clients and the key ring."""
