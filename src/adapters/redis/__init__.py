"""A store for several gateways: Redis or Valkey."""
