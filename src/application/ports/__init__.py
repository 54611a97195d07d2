"""The ports of the use cases, as protocols; `modegate.testing.contracts` tests adapters."""
