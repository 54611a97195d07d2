"""The parts of the usage ledger: its table, its statements."""
