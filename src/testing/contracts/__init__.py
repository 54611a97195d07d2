"""Contract suites: what every adapter of a port must do.

Subclass a suite, give it what its abstract methods ask for, and pytest runs one test for each duty.
"""
