"""What the use cases need, as protocols; `modegate.testing.contracts` proves who keeps them."""
