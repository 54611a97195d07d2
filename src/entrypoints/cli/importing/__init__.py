"""Converts the configurations of other gateways to modegate's settings, without I/O."""
