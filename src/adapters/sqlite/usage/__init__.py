"""The parts of the usage ledger: its writing thread, its statements."""
